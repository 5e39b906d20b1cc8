// Runtimes: the key-value tests on other versions of Node, and what a bot does on Bun and Deno. Jest and Vitest, with
// threads and with forks, are in package/.

import { execFileSync } from "node:child_process";
import {
	cpSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	realpathSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { binaryPath } from "../../scripts/lib/addon.mjs";
import { extendedFolder } from "../../scripts/lib/install/packages.mjs";
import { root, toolPath } from "../../scripts/lib/run.mjs";
import { runCommand } from "../helpers/command.mjs";
import { nodeBinary } from "../helpers/nodes.mjs";
import { expectSound, raw } from "../helpers/raw.mjs";
import { temporaryDirectory, temporaryFile } from "../helpers/store.mjs";

describe("the key-value tests", () => {
	const FILES = [
		...["set", "get", "update", "delete", "patterns", "order", "communities", "arguments"],
		...["expiry/expiry", "model/model.rounds"],
	];

	test.each([22, 24])(
		"pass on Node %i",
		async (major) => {
			const node = nodeBinary(major);
			const version = execFileSync(node, ["--version"], { encoding: "utf8" }).trim();
			expect(version).toMatch(new RegExp(`^v${major}\\.`));
			const results = join(mkdtempSync(join(tmpdir(), "rootcellar-node-")), "results.json");
			const files = FILES.map((name) => `__test__/key-value/${name}.test.mjs`);
			const reporter = ["--reporter", "json", "--outputFile", results];
			const { code, stderr } = await runCommand(
				node,
				[toolPath("vitest"), "run", "--project", "core", ...files, ...reporter],
				{
					cwd: root,
					timeout: 900_000,
				},
			);
			const { testResults, numPassedTests, numFailedTests, startTime } = JSON.parse(readFileSync(results, "utf8"));
			rmSync(join(results, ".."), { recursive: true });
			const cases = testResults.flatMap(({ assertionResults }) => assertionResults);
			const failures = cases.filter(({ status }) => status === "failed");
			expect(failures.map(({ fullName, failureMessages }) => [fullName, ...failureMessages])).toEqual([]);
			expect({ code, stderr, numFailedTests }).toMatchObject({ code: 0, numFailedTests: 0 });
			expect(testResults.map(({ name }) => name.replace(/^.*\/|\.test\.mjs$/g, "")).sort()).toEqual(
				FILES.map((name) => name.replace(/^.*\//, "")).sort(),
			);
			expect(numPassedTests).toBe(cases.length);
			expect(numPassedTests).toBeGreaterThan(250);
			const seconds = ((Math.max(...testResults.map(({ endTime }) => endTime)) - startTime) / 1_000).toFixed(1);
			console.log(`Node ${version}: ${numPassedTests} key-value tests passed, ${seconds} s`);
		},
		910_000,
	);
});

/** The executable of a runtime, in the package that npm has chosen for this platform. */
function executable(scope, file) {
	const folder = join(extendedFolder, "node_modules", scope);
	const packages = existsSync(folder) ? readdirSync(folder) : [];
	const suffix = process.platform === "win32" ? ".exe" : "";
	const found = packages.map((name) => join(folder, name, file + suffix)).find((path) => existsSync(path));
	if (!found) throw new Error(`there is no ${file} in ${folder}: run "npm run setup"`);
	return found;
}

/**
 * The runtimes, each with how it starts a program. Their packages' install scripts, which only link the executable
 * to where the command is looked for, are not needed.
 */
const RUNTIMES = {
	Bun: () => [executable("@oven", "bin/bun"), "run"],
	Deno: () => [executable("@deno", "deno"), "run", "--allow-all", "--no-lock", "--quiet"],
};

describe.each(Object.keys(RUNTIMES))("a bot on %s", (name) => {
	let project;
	let command;
	let args;

	beforeAll(() => {
		[command, ...args] = RUNTIMES[name]();
		// Installed as a package: Deno takes the files of no other folder for CommonJS.
		project = realpathSync(mkdtempSync(join(tmpdir(), "rootcellar-runtime-")));
		const installed = join(project, "node_modules", "rootcellar");
		mkdirSync(installed, { recursive: true });
		const { files } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
		// Files that are made when the package is packed are not there, and no bot needs them.
		const present = ["package.json", ...files].filter((file) => existsSync(join(root, file)));
		for (const file of present) cpSync(join(root, file), join(installed, file), { recursive: true });
		cpSync(binaryPath, join(installed, binaryPath.slice(root.length)));
		cpSync(fileURLToPath(new URL("bot", import.meta.url)), project, { recursive: true });
		writeFileSync(join(project, "package.json"), '{ "name": "bot", "private": true }');
	});

	/** Runs one phase of the scenario, which must end with this code and print nothing else. */
	async function phase(program, which, filename, expectedCode = 0) {
		const { code, stdout, stderr } = await runCommand(command, [...args, program, which, filename], { cwd: project });
		expect({ code, stderr }).toEqual({ code: expectedCode, stderr: "" });
		return stdout === "" ? undefined : JSON.parse(stdout);
	}

	async function expectIssued(filename) {
		expect(await raw(filename, "select count(*) as n from __rootapp_kv where key like 'k%'")).toEqual([{ n: 500 }]);
		expect(await raw(filename, "select value from __rootapp_kv where key = 'n'")).toEqual([{ value: "50" }]);
		await expectSound(filename);
	}

	afterAll(() => rmSync(project, { recursive: true, force: true }));

	describe.each(["bot.cjs", "bot.mjs"])("%s", (program) => {
		test("does every operation", async () => {
			const filename = temporaryFile();
			const ada = { xp: 10, tags: ["a", "\u00e9\u{1f980}"], none: null };
			const expiry = expect.stringMatching(/^\d{4}-/);
			expect(await phase(program, "operations", filename)).toEqual({
				get: ada,
				missing: true,
				expired: true,
				community: [true, []],
				update: Array.from({ length: 20 }, (_, i) => i + 1),
				select: [
					{ key: "profile:ada", value: ada },
					{ key: "profile:bob", value: 7, expiresAt: expiry, expires_at: expiry },
				],
				selectValue: [ada],
				left: [{ key: "n", value: 20 }],
				large: 3_000,
				count: 3_000,
				argument: [true, "ERR_INVALID_ARGUMENT", "key"],
				closed: [true, true, "ERR_STORE_CLOSED"],
				folder: [true, true, "SQLITE_CANTOPEN_ISDIR"],
				sameStore: true,
			});
			await expectSound(filename);
		}, 300_000);

		test("has written at process.exit what it issued before, the file open or not", async () => {
			const [first, second] = [temporaryFile(), temporaryFile()];
			await phase(program, "exit", first, 3);
			await expectIssued(first);
			await phase(program, "exit later", second, 3);
			await expectIssued(second);
			await expectIssued(`${second}.second`);
		}, 300_000);

		test("ends by itself when nothing is pending, and not before", async () => {
			for (const which of ["pending", "idle"]) {
				const filename = temporaryFile();
				await phase(program, which, filename);
				await expectIssued(filename);
			}
		}, 300_000);
	});

	test("writes beside the SQLite that the runtime has built in, and nothing is lost or damaged", async () => {
		const filename = join(temporaryDirectory(), "shared.sqlite3");
		const { keys, rows, errors } = await phase("bot.mjs", "coexistence", filename);
		expect(errors).toEqual([]);
		expect(await raw(filename, "select count(*) as n from __rootapp_kv")).toEqual([{ n: keys }]);
		expect(await raw(filename, "select count(*) as n from rows")).toEqual([{ n: rows }]);
		await expectSound(filename);
		console.log(`${name}'s own SQLite: ${keys} keys, ${rows} rows, 0 errors`);
	}, 300_000);

	test("has worker threads that are terminated at work, and nothing is lost", async () => {
		const filename = temporaryFile();
		const { acknowledged, missing, main, errors } = await phase("bot.cjs", "workers", filename);
		expect({ missing, main, errors }).toEqual({ missing: 0, main: 10, errors: [] });
		expect(acknowledged).toBeGreaterThanOrEqual(20);
		await expectSound(filename);
		const { stdout } = await runCommand(command, ["--version"]);
		console.log(
			`${name} ${stdout.match(/[\d.]+/)[0]}: 20 workers terminated, ${acknowledged} acknowledged keys, 0 lost`,
		);
	}, 300_000);
});
