// Configuration from the environment, in processes of their own.

import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { packagePath, runModuleForJson } from "../helpers/child.mjs";
import { raw } from "../helpers/raw.mjs";
import { temporaryDirectory } from "../helpers/store.mjs";

const USE = `
	const { set, get } = { set: (v) => dataStore.appData.set({ key: "k", value: v }), get: () => dataStore.appData.get("k") };
	const outcome = (promise) => promise.then(
		(value) => ({ value }),
		(error) => ({ name: error.name, code: error.code, message: error.message, own: error instanceof RootcellarError }),
	);
	const configOf = () => {
		try { return { filename: dataStore.config.sqlite3.filename, databaseType: dataStore.config.databaseType }; }
		catch (error) { return { code: error.code, message: error.message }; }
	};\n`;

/** Runs `source`, which ends with the text to print, in an empty folder. */
function use(source, { DATABASE_CONFIG, ROOTCELLAR_BACKUP, cwd }) {
	const env = {};
	if (DATABASE_CONFIG !== undefined) env.DATABASE_CONFIG = DATABASE_CONFIG;
	if (ROOTCELLAR_BACKUP !== undefined) env.ROOTCELLAR_BACKUP = ROOTCELLAR_BACKUP;
	return runModuleForJson(USE + source, { cwd, env });
}

const sqlite = (filename) => JSON.stringify({ databaseType: "sqlite3", sqlite3: { filename } });
const REPORT =
	"console.log(JSON.stringify({ set: await outcome(set(1)), get: await outcome(get()), config: configOf() }));";

describe("the file", () => {
	test("is ./rootsdk.sqlite3 in the working directory by default", async () => {
		const cwd = temporaryDirectory();
		const { get, config } = await use(REPORT, { cwd });
		expect(get).toEqual({ value: 1 });
		expect(config.databaseType).toBe("sqlite3");
		expect(join(cwd, "rootsdk.sqlite3")).toBe(
			config.filename.startsWith("/") ? config.filename : join(cwd, config.filename),
		);
		expect(await raw(join(cwd, "rootsdk.sqlite3"), "select key, value from __rootapp_kv")).toEqual([
			{ key: "k", value: "1" },
		]);
	});

	test("is the default too where DATABASE_CONFIG names only the database type", async () => {
		const cwd = temporaryDirectory();
		const { get } = await use(REPORT, { cwd, DATABASE_CONFIG: '{"databaseType":"sqlite3"}' });
		expect(get).toEqual({ value: 1 });
		expect(existsSync(join(cwd, "rootsdk.sqlite3"))).toBe(true);
	});

	test("is the default too where DATABASE_CONFIG is empty", async () => {
		const cwd = temporaryDirectory();
		expect((await use(REPORT, { cwd, DATABASE_CONFIG: "" })).get).toEqual({ value: 1 });
		expect(existsSync(join(cwd, "rootsdk.sqlite3"))).toBe(true);
	});

	test("is what DATABASE_CONFIG names, absolute or relative to the working directory", async () => {
		const cwd = temporaryDirectory();
		const elsewhere = join(temporaryDirectory(), "absolute.db");
		expect((await use(REPORT, { cwd, DATABASE_CONFIG: sqlite(elsewhere) })).get).toEqual({ value: 1 });
		expect((await use(REPORT, { cwd, DATABASE_CONFIG: sqlite("./relative.db") })).get).toEqual({ value: 1 });
		expect(existsSync(elsewhere)).toBe(true);
		expect(existsSync(join(cwd, "relative.db"))).toBe(true);
		expect(existsSync(join(cwd, "rootsdk.sqlite3"))).toBe(false);
	});

	test("is read from the environment at first use, not at import", async () => {
		const cwd = temporaryDirectory();
		const source = `process.env.DATABASE_CONFIG = ${JSON.stringify(sqlite("late.db"))};\n${REPORT}`;
		expect((await use(source, { cwd, DATABASE_CONFIG: "not JSON" })).get).toEqual({ value: 1 });
		expect(existsSync(join(cwd, "late.db"))).toBe(true);
	});

	test("does not change once the store was used", async () => {
		const cwd = temporaryDirectory();
		const source = `await set(1);
			process.env.DATABASE_CONFIG = ${JSON.stringify(sqlite("late.db"))};
			process.chdir("..");
			await set(2);
			${REPORT.replace("set(1)", "set(3)")}`;
		expect((await use(source, { cwd, DATABASE_CONFIG: sqlite("first.db") })).get).toEqual({ value: 3 });
		expect(readdirSync(cwd).filter((name) => name.endsWith(".db"))).toEqual(["first.db"]);
	});

	test("of openDataStore without a file name is the configured one too", async () => {
		const cwd = temporaryDirectory();
		const source = `await set("shared");
			const store = openDataStore({ backup: false });
			console.log(JSON.stringify({ value: await store.appData.get("k"), same: store === dataStore }));
			await store.close();`;
		expect(await use(source, { cwd, DATABASE_CONFIG: sqlite("one.db") })).toEqual({
			value: "shared",
			same: false,
		});
	});

	test("of openDataStore with a file name has nothing to do with DATABASE_CONFIG", async () => {
		const cwd = temporaryDirectory();
		const source = `const store = openDataStore({ filename: "own.db", backup: false });
			process.chdir("..");
			await store.appData.set({ key: "k", value: 1 });
			console.log(JSON.stringify(await store.appData.get("k")));`;
		expect(await use(source, { cwd, DATABASE_CONFIG: "not JSON" })).toBe(1);
		expect(existsSync(join(cwd, "own.db"))).toBe(true);
	});

	test("is opened by import and by require as one store, which rootServer has too", async () => {
		const cwd = temporaryDirectory();
		const source = `import { createRequire } from "node:module";
			const required = createRequire(import.meta.url)(${JSON.stringify(packagePath)});
			console.log(JSON.stringify([
				required.dataStore === dataStore,
				rootServer.dataStore === dataStore,
				required.rootServer.dataStore === dataStore,
				required.openDataStore === openDataStore,
				required.RootcellarError === RootcellarError,
			]));`;
		expect(await use(source, { cwd })).toEqual([true, true, true, true, true]);
		expect(readdirSync(cwd)).toEqual([]);
	});
});

describe("a DATABASE_CONFIG that cannot be used", () => {
	const secret = "pg-password-hunter2";
	const cases = [
		["is no JSON", "sqlite3:./x.db"],
		["is JSON that is cut off", '{"databaseType":"sqlite3","sqlite3":{'],
		["is only blanks", "   "],
		["names another database type", JSON.stringify({ databaseType: "pg", pg: { password: secret } })],
		["names no database type", JSON.stringify({ sqlite3: { filename: "x.db" } })],
		["has a database type that is no text", JSON.stringify({ databaseType: 3 })],
		["is null", "null"],
		["is a number", "5"],
		["is a text", '"sqlite3"'],
		["is an array", "[]"],
		["has null for sqlite3", JSON.stringify({ databaseType: "sqlite3", sqlite3: null })],
		["has a text for sqlite3", JSON.stringify({ databaseType: "sqlite3", sqlite3: "x.db" })],
		["has sqlite3 without a file name", JSON.stringify({ databaseType: "sqlite3", sqlite3: {} })],
		["has a number for the file name", JSON.stringify({ databaseType: "sqlite3", sqlite3: { filename: 5 } })],
		["has an empty file name", sqlite("")],
	];

	for (const [name, DATABASE_CONFIG] of cases) {
		test(`${name}: an error at first use names the variable and what was expected, and the process goes on`, async () => {
			const cwd = temporaryDirectory();
			const { set, get, config } = await use(REPORT, { cwd, DATABASE_CONFIG });
			for (const error of [set, get]) {
				expect(error).toMatchObject({ name: "RootcellarError", code: "ERR_INVALID_CONFIG", own: true });
			}
			expect(config.code).toBe("ERR_INVALID_CONFIG");
			for (const { message } of [set, get, config]) {
				expect(message).toContain("DATABASE_CONFIG");
				expect(message).toContain('"databaseType":"sqlite3"');
				expect(message).not.toContain(secret);
			}
			expect(readdirSync(cwd)).toEqual([]);
		});
	}

	test("is tried again at the next use, which works once it was corrected", async () => {
		const cwd = temporaryDirectory();
		const source = `const first = await outcome(set(1));
			process.env.DATABASE_CONFIG = ${JSON.stringify(sqlite("good.db"))};
			console.log(JSON.stringify({ first: first.code, second: await outcome(set(2)), get: await outcome(get()) }));`;
		expect(await use(source, { cwd, DATABASE_CONFIG: "not JSON" })).toEqual({
			first: "ERR_INVALID_CONFIG",
			second: {},
			get: { value: 2 },
		});
	});
});

describe("a DATABASE_CONFIG whose file cannot be opened", () => {
	test("names a directory: the error names the variable, the path and what was expected", async () => {
		const cwd = temporaryDirectory();
		mkdirSync(join(cwd, "folder"));
		const { set, get } = await use(REPORT, { cwd, DATABASE_CONFIG: sqlite("folder") });
		for (const error of [set, get]) {
			expect(error).toMatchObject({ name: "RootcellarError", code: "SQLITE_CANTOPEN_ISDIR" });
			expect(error.message).toContain("DATABASE_CONFIG");
			expect(error.message).toContain(join(cwd, "folder"));
			expect(error.message).toMatch(/directory|folder/);
		}
	});

	test("lies in a folder that does not exist: the error names the variable and the path", async () => {
		const cwd = temporaryDirectory();
		const { set } = await use(REPORT, { cwd, DATABASE_CONFIG: sqlite("no/such/folder.db") });
		expect(set).toMatchObject({ name: "RootcellarError", code: "SQLITE_CANTOPEN" });
		expect(set.message).toContain("DATABASE_CONFIG");
		expect(set.message).toContain(join(cwd, "no/such/folder.db"));
	});

	test("may not be written: the error names the variable and the path, and the process goes on", async () => {
		const cwd = temporaryDirectory();
		const folder = join(cwd, "folder");
		mkdirSync(folder, { mode: 0o555 });
		const become = `import { chmodSync } from "node:fs";
			if (process.getuid() === 0) {
				const warm = openDataStore({ filename: "warm.db", backup: false });
				await warm.appData.get("k");
				await warm.close();
				chmodSync(".", 0o755);
				process.setgroups([]); process.setgid(65534); process.setuid(65534);
			}\n`;
		const { set } = await use(become + REPORT, { cwd, DATABASE_CONFIG: sqlite(join(folder, "x.db")) });
		expect(set.code).toMatch(/^SQLITE_(CANTOPEN|READONLY)/);
		expect(set.message).toContain("DATABASE_CONFIG");
		expect(set.message).toContain(join(folder, "x.db"));
	});

	test("by default: the error of ./rootsdk.sqlite3 says that DATABASE_CONFIG would name another file", async () => {
		const cwd = temporaryDirectory();
		mkdirSync(join(cwd, "rootsdk.sqlite3"));
		const { set } = await use(REPORT, { cwd });
		expect(set.code).toBe("SQLITE_CANTOPEN_ISDIR");
		expect(set.message).toContain("DATABASE_CONFIG");
		expect(set.message).toContain("rootsdk.sqlite3");
	});
});

describe("ROOTCELLAR_BACKUP", () => {
	test("off is accepted", async () => {
		const cwd = temporaryDirectory();
		const { set, get } = await use(REPORT, { cwd, ROOTCELLAR_BACKUP: "off" });
		expect([set, get]).toEqual([{}, { value: 1 }]);
	});
});
