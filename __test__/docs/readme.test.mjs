// The README and the documents: examples compile and run, tables and maps are complete, what is named is there.

import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { openDataStore } from "rootcellar";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { temporaryDirectory } from "../helpers/store.mjs";
import { SDK_ENV } from "../sdk/parity/run.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const readme = readFileSync(join(root, "README.md"), "utf8");
const declarations = readFileSync(join(root, "index.d.ts"), "utf8");
const tsc = join(root, "node_modules/typescript/bin/tsc");

/** Every example of the README. One without `await` at its top level is CommonJS, as Root's templates are. */
const examples = [...readme.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, source], index) => {
	const kind = /^(?:.* = )?await /m.test(source) ? "m" : "c";
	return {
		file: `example${index}.${kind}ts`,
		compiled: `example${index}.${kind}js`,
		name: `number ${index + 1}, under "${readme
			.slice(0, readme.indexOf(source))
			.match(/^###? .+$/gm)
			?.at(-1)}"`,
		source,
		needsSdk: /^import [^/]*from "@rootsdk\//m.test(source),
	};
});

/** Runs an example of a bot and ends the process, which the SDK keeps alive. */
const BOT_RUNNER = `
import { pathToFileURL } from "node:url";
await import(pathToFileURL(process.argv[2]));
process.exit(0);
`;

/** Stands for Root: a bot that starts is sent one message. */
const ROOT = `
const { ChannelMessageEvent, rootServer } = require("@rootsdk/server-bot");
rootServer.lifecycle.start = async () => {
	rootServer.community.channelMessages.emit(ChannelMessageEvent.ChannelMessageCreated, { userId: "ada" });
};
`;

/** Runs Node in `cwd`, and resolves with what it printed; a failure shows what it printed too. */
async function node(args, cwd) {
	const { DATABASE_CONFIG, ROOTCELLAR_BACKUP, ...env } = process.env;
	try {
		return (await promisify(execFile)(process.execPath, args, { cwd, env: { ...env, ...SDK_ENV } })).stdout;
	} catch (error) {
		throw new Error(`${error.message}\n${error.stdout}${error.stderr}`);
	}
}

/** A project that has this package, the SDK and Node's types installed, and the examples compiled. */
async function projectWithExamples() {
	const project = await mkdtemp(join(tmpdir(), "rootcellar-"));
	await mkdir(join(project, "node_modules"));
	symlinkSync(root, join(project, "node_modules/rootcellar"), "junction");
	for (const scope of ["@types", "@rootsdk"]) {
		symlinkSync(join(root, "node_modules", scope), join(project, "node_modules", scope), "junction");
	}
	for (const { file, source } of examples) writeFileSync(join(project, file), source);
	writeFileSync(join(project, "run-bot.mjs"), BOT_RUNNER);
	writeFileSync(join(project, "root.cjs"), ROOT);
	const compilerOptions = {
		strict: true,
		noUncheckedIndexedAccess: true,
		module: "nodenext",
		target: "es2022",
		types: ["node"],
		skipLibCheck: true,
		outDir: "compiled",
	};
	writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.mts", "*.cts"] }));
	await node([tsc, "-p", "."], project);
	return project;
}

describe("the examples", () => {
	let project;

	beforeAll(async () => {
		project = await projectWithExamples();
	});

	afterAll(() => rm(project, { recursive: true }));

	test("there is one for each way to use the package, and a longer one", () => {
		const sources = examples.map(({ source }) => source);
		expect(sources.some((source) => source.includes('import { dataStore } from "rootcellar"'))).toBe(true);
		expect(sources.some((source) => source.includes('import { rootServer } from "rootcellar"'))).toBe(true);
		expect(sources.some((source) => source.includes("openDataStore("))).toBe(true);
		expect(sources.some((source) => source.includes('import "rootcellar/register"'))).toBe(true);
		expect(examples.length).toBeGreaterThanOrEqual(6);
	});

	test("all of them compile under tsc --strict", async () => {
		for (const { compiled } of examples) expect(existsSync(join(project, "compiled", compiled))).toBe(true);
	}, 300_000);

	test("those that need no SDK run, and print what the README says they print, also when run again", async () => {
		const runnable = examples.filter(({ needsSdk }) => !needsSdk);
		expect(runnable.length).toBeGreaterThanOrEqual(3);
		for (const run of [1, 2]) {
			for (const { compiled, name, source } of runnable) {
				const printed = await node([join("compiled", compiled)], project);
				const expected = source.includes("console.log") ? `xp:ada ${25 * run}\n` : "";
				expect(printed, name).toBe(expected);
			}
		}
		expect(readme).toContain("It prints `xp:ada 25`, and `xp:ada 50` when it is run again.");
	}, 300_000);

	test("those that need the SDK run, and store through this package", async () => {
		const bots = examples.filter(({ needsSdk }) => needsSdk);
		const kinds = bots.map(({ compiled }) => compiled.slice(-3));
		expect(kinds).toContain("cjs");
		expect(kinds).toContain("mjs");
		for (const { compiled, name, source } of bots) {
			const cwd = temporaryDirectory();
			const preload = source.includes("lifecycle.start") ? ["-r", join(project, "root.cjs")] : [];
			await node([...preload, join(project, "run-bot.mjs"), join(project, "compiled", compiled)], cwd);
			const filename = join(cwd, "rootsdk.sqlite3");
			// The SDK's own store makes no backups.
			expect(existsSync(`${filename}.backup`), name).toBe(true);
			const store = openDataStore({ filename, backup: false });
			const stored = [await store.appData.get("motto"), await store.appData.get("xp:ada")];
			await store.close();
			expect(stored, name).toEqual(source.includes("motto") ? ["store what you grow", undefined] : [undefined, 10]);
		}
	}, 300_000);
});

describe("the table of methods", () => {
	const [, body] = declarations.match(/^export interface KeyValueStore \{\n([\s\S]*?)^\}/m);
	const methods = [...body.matchAll(/^\t(\w+)(?:<\w+>)?\(/gm)].map(([, method]) => method);
	const section = readme.split("## The seven methods")[1].split("\n## ")[0];
	const listed = [...section.matchAll(/^\| `(\w+)\(/gm)].map(([, method]) => method);

	test("names each method of KeyValueStore once, and nothing else", () => {
		expect(methods).toHaveLength(7);
		expect([...listed].sort()).toEqual([...methods].sort());
	});
});

describe("the links", () => {
	const { repository, files } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
	const home = repository.url.replace(/^git\+(.*)\.git$/, "$1");
	const raw = home.replace("github.com", "raw.githubusercontent.com");
	const targetsIn = (document) => [...document.matchAll(/\]\(([^)#]+)[^)]*\)/g)].map(([, target]) => target);

	/** The file of the repository that an absolute link names, if it is one of the repository. */
	const fileOf = (target) =>
		[`${home}/blob/main/`, `${raw}/main/`].map((start) => target.split(start)[1]).find(Boolean);

	test("of the README are absolute, so that they work wherever it is shown, and lead to files that exist", () => {
		const targets = targetsIn(readme);
		expect(targets.filter((target) => !target.startsWith("https://"))).toEqual([]);
		const named = targets.map(fileOf).filter(Boolean);
		expect(named.length).toBeGreaterThan(5);
		for (const file of named) expect(existsSync(join(root, file)), file).toBe(true);
	});

	test("of the documents lead to files that the package holds, or are absolute", () => {
		expect(files).toContain("docs");
		for (const name of readdirSync(join(root, "docs"))) {
			for (const target of targetsIn(readFileSync(join(root, "docs", name), "utf8"))) {
				const file = fileOf(target) ?? (target.startsWith("https://") ? "." : join("docs", target));
				expect(existsSync(join(root, file)), `${name}: ${target}`).toBe(true);
				if (!target.startsWith("https://")) {
					expect(
						[...files, "README.md"].some((entry) => file.split("/")[0] === entry),
						`${name}: ${target}`,
					).toBe(true);
				}
			}
		}
	});

	test("every command of the section on development is a script of the package", () => {
		const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
		const commands = [...readme.matchAll(/^npm (?:run )?([\w:]+) +#/gm)].map(([, script]) => script);
		expect(commands).toEqual(["start", "test", "test:all", "bench", "release:dry", "check"]);
		for (const command of commands) expect(scripts).toHaveProperty(command);
	});
});

describe("docs/ARCHITECTURE.md", () => {
	const document = readFileSync(join(root, "docs/ARCHITECTURE.md"), "utf8");
	const named = new Set([...document.matchAll(/`([\w./-]+)`/g)].map(([, name]) => name));

	test("names every folder of lib/ and src/", () => {
		const missing = ["lib", "src"].flatMap((parent) =>
			readdirSync(join(root, parent), { withFileTypes: true })
				.filter((entry) => entry.isDirectory())
				.map(({ name }) => `${name}/`)
				.filter((name) => ![...named].some((other) => other.startsWith(name))),
		);
		expect(missing).toEqual([]);
	});

	test("names only files and folders that are there", () => {
		const folders = [
			"",
			"lib",
			"lib/studio",
			"studio",
			"src",
			"src/backup",
			"src/engine",
			"src/engine/sqlite",
			"src/engine/postgres",
		];
		const files = ["lib", "src"].flatMap((folder) => readdirSync(join(root, folder), { recursive: true }));
		const paths = files.map((file) => `/${file.replaceAll("\\", "/")}`);
		const isThere = (name) =>
			name.endsWith("/")
				? folders.some((folder) => existsSync(join(root, folder, name)))
				: existsSync(join(root, name)) || paths.some((path) => path.endsWith(`/${name}`));
		expect([...named].filter((name) => /(\/|\.(js|mjs|rs))$/.test(name) && !isThere(name))).toEqual([]);
	});
});

describe("docs/guarantees.md", () => {
	const document = readFileSync(join(root, "docs/guarantees.md"), "utf8");
	const sections = document.split(/^### /m).slice(1);

	test("every promise says what it assumes, and names a test", () => {
		expect(sections.length).toBeGreaterThan(10);
		for (const section of sections) {
			expect(section).toMatch(/^Assumes: /m);
			expect(section).toMatch(/^- `[\w/-]+`: "/m);
		}
	});

	test("every test that it names exists", () => {
		const missing = document.match(/^- .+$/gm).filter((citation) => {
			const [, file, words] = citation.match(/^- `([\w/-]+)`: "(.+)"$/);
			const names = ["", ".rounds", ".extended", ".long"].map((part) => join(root, `__test__/${file}${part}.test.mjs`));
			const sources = names.filter((name) => existsSync(name)).map((name) => readFileSync(name, "utf8"));
			return !sources.some((source) => source.includes(`"${words}"`) || source.includes(`} ${words}\``));
		});
		expect(missing).toEqual([]);
	});
});
