// `rootcellar/register` in projects of their own, with the real SDK and with stand-ins for it.

import { existsSync, renameSync, symlinkSync } from "node:fs";
import path from "node:path";
import { describe, expect, test, vi } from "vitest";
import { lose } from "../../backup/backups.mjs";
import { rawRows } from "../../helpers/raw.mjs";
import { temporaryDirectory } from "../../helpers/store.mjs";
import { databaseConfig } from "../parity/run.mjs";
import {
	copyRootcellar,
	copySdk,
	linkRootcellar,
	linkSdk,
	linkTo,
	newProject,
	runBot,
	STORAGE_STUB,
	stubSdk,
} from "./project.mjs";

vi.setConfig({ testTimeout: 300_000 });

const BOT = "@rootsdk/server-bot";
const APP = "@rootsdk/server-app";

/** Runs a bot that must end well; its report. */
async function reportOf(main, options) {
	const { report, code, printed } = await runBot(main, options);
	expect({ code, report }, printed).toMatchObject({ code: 0, report: {} });
	return report;
}

describe("with the SDK installed", () => {
	const ways = [
		["preloaded with --import", ["--import", "rootcellar/register"], "preloaded"],
		["preloaded with -r", ["-r", "rootcellar/register"], "preloaded"],
		["as the first import", [], "imported"],
		["preloaded and imported", ["--import", "rootcellar/register"], "imported"],
	];
	const kinds = [
		["a CommonJS bot", "cjs"],
		["an ES module", "mjs"],
	];
	for (const [way, preload, name] of ways) {
		for (const [kind, extension] of kinds) {
			const restarts = way === "as the first import" && extension === "cjs";
			const again = restarts ? ", and its data is there after a restart" : "";
			test(`${way}, the SDK's appData is ours in ${kind}${again}`, async () => {
				const project = newProject();
				linkRootcellar(project);
				linkSdk(project);
				const filename = path.join(project, "bot.sqlite3");
				const options = { preload, env: { DATABASE_CONFIG: databaseConfig(filename) } };
				const main = path.join(project, `${name}.${extension}`);

				const report = await reportOf(main, options);
				expect(report).toEqual({
					swapped: true,
					config: { databaseType: "sqlite3", sqlite3: { filename } },
					ourConfig: { databaseType: "sqlite3", sqlite3: { filename } },
					logs: "object",
					greeting: "second",
					entries: [{ key: "greeting", value: "second" }],
					visits: 1,
				});
				expect(await rawRows(filename)).toEqual([
					{ key: "greeting", community_id: null, value: '"second"', expires_at: null },
					{ key: "visits", community_id: null, value: "1", expires_at: null },
				]);

				if (restarts) expect((await reportOf(main, options)).visits).toBe(2);
			});
		}
	}

	test("the SDK's store has kv, sqlite and backups too, and a file that is lost is restored", async () => {
		const project = newProject();
		linkRootcellar(project);
		linkSdk(project);
		const filename = path.join(project, "bot.sqlite3");
		const options = { env: { DATABASE_CONFIG: databaseConfig(filename) } };
		const main = path.join(project, "extras.cjs");
		const expected = {
			same: true,
			visits: 1,
			seen: 1,
			hasKey: true,
			rows: 1,
			isBackedUp: true,
			state: "active",
			restored: [],
		};
		expect(await reportOf(main, options)).toEqual(expected);
		lose(filename);
		const again = { ...expected, visits: 2, seen: 2, rows: 2, restored: ["it was not there"] };
		expect(await reportOf(main, options)).toEqual(again);
	});

	test("without DATABASE_CONFIG both name rootsdk.sqlite3 in the working directory", async () => {
		const project = newProject();
		linkRootcellar(project);
		linkSdk(project);
		const report = await reportOf(path.join(project, "imported.cjs"));
		const expected = path.join(project, "rootsdk.sqlite3");
		expect(path.resolve(project, report.config.sqlite3.filename)).toBe(expected);
		expect(path.resolve(project, report.ourConfig.sqlite3.filename)).toBe(expected);
		expect(existsSync(expected)).toBe(true);
	});

	test("a copy of the SDK in the bot's own node_modules is swapped", async () => {
		const project = newProject();
		linkRootcellar(project);
		copySdk(project);
		const report = await reportOf(path.join(project, "preloaded.mjs"), {
			preload: ["--import", "rootcellar/register"],
		});
		expect(report).toMatchObject({ swapped: true, greeting: "second" });
	});

	test("registering after the SDK was loaded swaps it too", async () => {
		const project = newProject();
		linkRootcellar(project);
		linkSdk(project);
		expect(await reportOf(path.join(project, "late.cjs"))).toEqual({ swapped: true });
	});

	test("a configuration that the SDK takes and we do not is the first operation's error", async () => {
		const project = newProject();
		linkRootcellar(project);
		linkSdk(project);
		const report = await reportOf(path.join(project, "unusable.cjs"), {
			env: { DATABASE_CONFIG: databaseConfig("file:bot.sqlite3") },
		});
		expect(report).toEqual({ code: "ERR_INVALID_CONFIG" });
	});

	test("a missing COMMUNITY_ID ends the process in the SDK, with register as without", async () => {
		const project = newProject();
		linkRootcellar(project);
		linkSdk(project);
		const main = path.join(project, "preloaded.cjs");
		const env = { COMMUNITY_ID: "" };
		const without = await runBot(main, { env });
		const withRegister = await runBot(main, { env, preload: ["-r", "rootcellar/register"] });
		expect(without.printed).toContain("COMMUNITY_ID");
		expect(without.report).toBeUndefined();
		expect(withRegister).toEqual(without);
	});
});

describe("which copies are swapped", () => {
	test("both packages, where both are installed", async () => {
		const project = newProject();
		linkRootcellar(project);
		linkSdk(project);
		stubSdk(project, APP, STORAGE_STUB);
		const report = await reportOf(path.join(project, "stubs.cjs"), { args: [BOT, APP] });
		expect(report).toEqual({ swapped: [true, true] });
	});

	test("@rootsdk/server-app alone, where it is the one installed", async () => {
		const project = newProject();
		copyRootcellar(project);
		stubSdk(project, APP, STORAGE_STUB);
		expect(await reportOf(path.join(project, "stubs.cjs"), { args: [APP] })).toEqual({ swapped: [true] });
	});

	test("those of the main script, of the working directory and of this package, if they are distinct", async () => {
		const project = newProject();
		const workingDirectory = temporaryDirectory();
		const store = temporaryDirectory();
		linkTo(copyRootcellar(store), project);
		const stubs = [project, workingDirectory, store].map((folder) => stubSdk(folder, BOT, STORAGE_STUB));
		const report = await reportOf(path.join(project, "stubs.cjs"), { cwd: workingDirectory, args: stubs });
		expect(report).toEqual({ swapped: [true, true, true] });
	});

	test("that of the folder a symbolic link to the main script points into", async () => {
		const project = newProject();
		const store = temporaryDirectory();
		const elsewhere = temporaryDirectory();
		linkTo(copyRootcellar(store), project);
		stubSdk(project, BOT, STORAGE_STUB);
		const link = path.join(elsewhere, "bot.cjs");
		symlinkSync(path.join(project, "stubs.cjs"), link);
		expect(await reportOf(link, { args: [BOT] })).toEqual({ swapped: [true] });
	});

	test("that of a folder that is run by its name", async () => {
		const project = newProject();
		const store = temporaryDirectory();
		linkTo(copyRootcellar(store), project);
		stubSdk(project, BOT, STORAGE_STUB);
		renameSync(path.join(project, "stubs.cjs"), path.join(project, "index.js"));
		const report = await reportOf(project, { cwd: temporaryDirectory(), args: [BOT] });
		expect(report).toEqual({ swapped: [true] });
	});
});

describe("without a usable SDK", () => {
	test("none installed is ERR_NO_SDK, which names both packages and both ways out", async () => {
		const project = newProject();
		copyRootcellar(project);
		const report = await reportOf(path.join(project, "catching.cjs"));
		expect(report).toMatchObject({ ours: true, code: "ERR_NO_SDK" });
		expect(report.message).toContain(BOT);
		expect(report.message).toContain(APP);
		expect(report.message).toContain(project);
		expect(report.message).toContain("npm install");
		expect(report.message).toContain('import the store from "rootcellar" itself');
		expect(report.message).not.toContain("\n");
	});

	for (const [way, preload] of [
		["--import", ["--import", "rootcellar/register"]],
		["-r", ["-r", "rootcellar/register"]],
	]) {
		test(`none installed ends a process that preloads with ${way} with that one message`, async () => {
			const project = newProject();
			copyRootcellar(project);
			const { code, report, printed } = await runBot(path.join(project, "preloaded.cjs"), { preload });
			expect(code).toBe(1);
			expect(report).toBeUndefined();
			expect(printed.match(/rootcellar\/register found neither/g)).toHaveLength(1);
			expect(printed).toContain("ERR_NO_SDK");
		});
	}

	const failures = [
		["one that throws", "throw new Error('out of order');", "failed", "out of order"],
		["one without rootServer", "exports.other = 1;", "exports no rootServer.dataStore", undefined],
		[
			"one whose rootServer has no data store",
			"exports.rootServer = {};",
			"exports no rootServer.dataStore",
			undefined,
		],
		["one that exports nothing", "module.exports = undefined;", "exports no rootServer.dataStore", undefined],
		["one without its main file", undefined, "its entry was not found", "main.js"],
		[
			"one that lacks the native part of sqlite3",
			"throw new Error('Could not locate the bindings file. Tried: ...');",
			"npm rebuild sqlite3",
			"bindings file",
		],
		["one that lacks a dependency", "require('missing-dependency');", "failed", "missing-dependency"],
	];
	for (const [what, source, message, cause] of failures) {
		test(`${what} is ERR_SDK_LOAD, with its cause, and not taken for a missing one`, async () => {
			const project = newProject();
			copyRootcellar(project);
			stubSdk(project, BOT, source);
			const report = await reportOf(path.join(project, "catching.cjs"));
			expect(report).toMatchObject({ ours: true, code: "ERR_SDK_LOAD" });
			expect(report.message).toContain(BOT);
			expect(report.message).toContain(message);
			if (cause === undefined) expect(report.cause).toBeUndefined();
			else expect(report.cause).toContain(cause);
		});
	}
});
