// Bots that a bundler has put into one file, this package among the rest: they run where node_modules is beside them, which
// holds the addon, and say what to do where it is not.

import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { binaryPath, suffix } from "../../scripts/lib/addon.mjs";
import { extendedFolder } from "../../scripts/lib/install/packages.mjs";
import { root } from "../../scripts/lib/run.mjs";

const load = createRequire(join(extendedFolder, "package.json"));

const TIMEOUT_MS = 120_000;

const folder = realpathSync(mkdtempSync(join(tmpdir(), "rootcellar-bundlers-")));
const project = join(folder, "project");
const ADDON = `rootcellar-${suffix}`;

const USE = `
async function main() {
	const store = openDataStore({ filename: process.argv[2], backup: false });
	const cache = new KeyvRootcellar({ dataStore: store });
	await cache.set("a", { value: 1 });
	const rows = await store.sqlite.transaction((tx) => tx.all("SELECT count(*) AS n FROM __rootapp_kv"));
	console.log(JSON.stringify([await cache.get("a"), rows, rootServer.dataStore === dataStore]));
	await store.close();
}
main().catch((error) => {
	console.log(JSON.stringify({ code: error.code, message: error.message }));
});
`;

const NAMES = "{ dataStore, openDataStore, rootServer }";
const BOTS = {
	"bot.mjs": `import ${NAMES} from "rootcellar";\nimport { KeyvRootcellar } from "rootcellar/keyv";\n${USE}`,
	"bot.cjs": `const { KeyvRootcellar } = require("rootcellar/keyv");\nconst ${NAMES} = require("rootcellar");\n${USE}`,
};

const EXPECTED = [{ value: 1 }, [{ n: 1 }], true];

/** Each way to bundle a bot: makes `output` of `entry`, and returns the warnings. */
const BUNDLERS = {
	esbuild: async (entry, output, format) => {
		const options = { bundle: true, platform: "node", format, logLevel: "silent" };
		const { warnings } = await load("esbuild").build({ entryPoints: [entry], outfile: output, ...options });
		return warnings.map(({ text }) => text);
	},
	rollup: async (input, file, format) => {
		const warnings = [];
		const plugins = [
			load("@rollup/plugin-node-resolve").nodeResolve({ preferBuiltins: true }),
			load("@rollup/plugin-commonjs")(),
		];
		const onwarn = ({ message }) => warnings.push(message);
		const bundle = await load("rollup").rollup({ input, plugins, onwarn });
		await bundle.write({ file, format });
		await bundle.close();
		return warnings;
	},
	webpack: (entry, output, format) =>
		new Promise((resolve, reject) => {
			const module = { module: true, chunkFormat: "module", library: { type: "module" } };
			const options = {
				mode: "production",
				target: "node",
				context: project,
				entry,
				output: { path: dirname(output), filename: basename(output), ...(format === "esm" ? module : {}) },
				experiments: { outputModule: format === "esm" },
			};
			load("webpack")(options, (error, stats) => {
				const { errors = [], warnings = [] } = stats?.toJson({ all: false, errors: true, warnings: true }) ?? {};
				if (error || errors.length > 0) reject(error ?? new Error(errors[0].message));
				else resolve(warnings.map(({ message }) => message));
			});
		}),
	ncc: async (entry, output) => {
		const { code, err } = await load("@vercel/ncc")(entry, { quiet: true });
		expect(err).toBeFalsy();
		writeFileSync(output, code);
		return [];
	},
};

/** Possible bundles: a bundler, a bot, and the format. */
const BUNDLES = Object.keys(BUNDLERS).flatMap((bundler) => [
	[bundler, "bot.mjs", "esm"],
	...(bundler === "ncc" ? [] : [[bundler, "bot.mjs", "cjs"]]),
	[bundler, "bot.cjs", "cjs"],
	...(bundler === "esbuild" ? [[bundler, "bot.cjs", "esm"]] : []),
]);

const outputOf = (bundler, bot, format) =>
	join(project, "dist", `${bundler}-${bot.replace(".", "-")}.${format === "esm" ? "mjs" : "cjs"}`);

let runs = 0;

/** Runs a bundle, and parses what it prints. */
function run(file, cwd) {
	runs++;
	const { status, stdout, stderr } = spawnSync(process.execPath, [file, join(folder, `${runs}.sqlite3`)], {
		cwd,
		encoding: "utf8",
	});
	expect(stderr).toBe("");
	expect(status).toBe(0);
	return JSON.parse(stdout);
}

beforeAll(async () => {
	const installed = join(project, "node_modules", "rootcellar");
	mkdirSync(join(project, "dist"), { recursive: true });
	for (const name of ["index.js", "index.mjs", "lib", "package.json"]) {
		cpSync(join(root, name), join(installed, name), { recursive: true });
	}
	const addon = join(project, "node_modules", ADDON);
	cpSync(binaryPath, join(addon, basename(binaryPath)));
	writeFileSync(join(addon, "package.json"), JSON.stringify({ name: ADDON, main: basename(binaryPath) }));
	for (const [name, text] of Object.entries(BOTS)) writeFileSync(join(project, name), text);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(BUNDLES)("%s of %s as %s", { timeout: TIMEOUT_MS }, (bundler, bot, format) => {
	const output = outputOf(bundler, bot, format);

	test("bundles without a warning, and runs beside node_modules, whatever the working directory", async () => {
		const warnings = await BUNDLERS[bundler](join(project, bot), output, format);
		expect(warnings).toEqual([]);
		expect(run(output, project)).toEqual(EXPECTED);
		expect(run(output, folder)).toEqual(EXPECTED);
	});

	test("runs elsewhere where it is started beside node_modules, and otherwise says what to do", async () => {
		await BUNDLERS[bundler](join(project, bot), output, format);
		const elsewhere = join(folder, "elsewhere", basename(output));
		cpSync(output, elsewhere);
		expect(run(elsewhere, project)).toEqual(EXPECTED);
		const { code, message } = run(elsewhere, folder);
		expect(code).toBe("ERR_NO_BINARY");
		expect(message).toContain(`the package ${ADDON} is not beside this program`);
		expect(message).toContain("Mark rootcellar external");
		expect(message).not.toContain("is not installed");
	});
});

test("an ES module that esbuild makes of CommonJS says what to do where Node has no way to ask for its modules", async () => {
	const output = outputOf("esbuild", "bot.cjs", "esm");
	await BUNDLERS.esbuild(join(project, "bot.cjs"), output, "esm");
	const args = ["--import", "data:text/javascript,delete process.getBuiltinModule", output];
	const { status, stderr } = spawnSync(process.execPath, args, { cwd: project, encoding: "utf8" });
	expect(status).toBe(1);
	expect(stderr).toContain("ERR_NO_BINARY");
	expect(stderr).toContain("bundle it to CommonJS (esbuild --format=cjs)");
});
