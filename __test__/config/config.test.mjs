// Configuration from the environment, in processes of their own.

import {
	existsSync,
	lstatSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	realpathSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDataStore } from "rootcellar";
import { beforeAll, describe, expect, test } from "vitest";
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
		const { config } = dataStore;
		const shown = JSON.stringify(config);
		try { return { filename: config.sqlite3.filename, databaseType: config.databaseType, shown }; }
		catch (error) { return { code: error.code, message: error.message, shown }; }
	};\n`;

/** Runs `source`, which ends with the text to print, in an empty folder. */
function use(source, { DATABASE_CONFIG, ROOTCELLAR_BACKUP, cwd }) {
	const env = {};
	if (DATABASE_CONFIG !== undefined) env.DATABASE_CONFIG = DATABASE_CONFIG;
	if (ROOTCELLAR_BACKUP !== undefined) env.ROOTCELLAR_BACKUP = ROOTCELLAR_BACKUP;
	return runModuleForJson(USE + source, { cwd, env });
}

/** Outside of a test: calls `run` with an empty folder, which is gone when that has ended. */
async function inEmptyFolder(run) {
	const folder = mkdtempSync(join(tmpdir(), "rootcellar-"));
	try {
		return await run(folder);
	} finally {
		rmSync(folder, { recursive: true });
	}
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

	test.each(["bot.sqlite3-wal", "bot.sqlite3-SHM", "data/bot.sqlite3-journal"])(
		"is none with the name %s, which is that of a log",
		async (name) => {
			const cwd = temporaryDirectory();
			const { set } = await use(REPORT, { cwd, DATABASE_CONFIG: sqlite(name) });
			expect(set).toMatchObject({ own: true, code: "ERR_INVALID_CONFIG" });
			expect(set.message).toMatch(/-wal, -shm or -journal/);
			expect(() => openDataStore({ filename: join(cwd, name) })).toThrow(
				expect.objectContaining({ code: "ERR_INVALID_ARGUMENT", argument: "options.filename" }),
			);
			expect(readdirSync(cwd)).toEqual([]);
		},
	);

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

	test("lies where the process was at the import, or when openDataStore was called, with its backups and its config", async () => {
		const [cwd, other] = [temporaryDirectory(), temporaryDirectory()];
		const source = `const named = openDataStore({ filename: "named.db", backup: { url: "kept" } });
			const before = [dataStore.config, named.config];
			process.chdir(${JSON.stringify(other)});
			for (const store of [dataStore, named]) await store.appData.set({ key: "k", value: 1 });
			const after = [dataStore.config, named.config];
			for (const store of [dataStore, named]) await store.close();
			console.log(JSON.stringify({ before, after }));`;
		const { before, after } = await use(source, { cwd, DATABASE_CONFIG: sqlite("first.db") });
		expect(before.map(({ sqlite3 }) => sqlite3.filename)).toEqual(["first.db", "named.db"]);
		expect(after.map(({ sqlite3 }) => realpathSync(sqlite3.filename))).toEqual(
			["first.db", "named.db"].map((name) => realpathSync(join(cwd, name))),
		);
		expect(readdirSync(other)).toEqual([]);
		expect(readdirSync(cwd)).toEqual(expect.arrayContaining(["first.db", "first.db.backup", "kept", "named.db"]));
	});

	test("is imported without an error where the working directory is gone, and used by an absolute name", async () => {
		const [cwd, elsewhere] = [temporaryDirectory(), temporaryDirectory()];
		const source = `const { rmdirSync } = await import("node:fs");
			rmdirSync(process.cwd());
			const store = openDataStore({ filename: ${JSON.stringify(join(elsewhere, "a.db"))} });
			await store.appData.set({ key: "k", value: 1 });
			const relative = await outcome(set(1));
			console.log(JSON.stringify({ value: await store.appData.get("k"), relative }));
			await store.close();`;
		const { value, relative } = await use(source, { cwd });
		expect(value).toBe(1);
		expect(relative.message).toBeDefined();
	});

	test.each(["of a file", "whose file does not exist yet", "to a link in another folder"])(
		"that is a link %s: everything is at the target, and a restore leaves the link",
		async (kind) => {
			const folder = temporaryDirectory();
			for (const name of ["app", "volume", "between"]) mkdirSync(join(folder, name));
			const target = join(folder, "volume", "bot.sqlite3");
			const link = join(folder, "app", "bot.sqlite3");
			if (kind === "of a file") writeFileSync(target, "");
			if (kind === "to a link in another folder") {
				symlinkSync("../volume/bot.sqlite3", join(folder, "between", "bot.sqlite3"));
				symlinkSync("../between/bot.sqlite3", link);
			} else {
				symlinkSync("../volume/bot.sqlite3", link);
			}
			const program = (source) =>
				use(
					`const store = openDataStore({ filename: ${JSON.stringify(link)}, backup: { quiet: true } });
			${source}
			await store.close();`,
					{ cwd: folder },
				);
			const names = ["bot.sqlite3", "bot.sqlite3.backup", "bot.sqlite3.backup-state"];
			expect(await program('await store.appData.set({ key: "k", value: 1 }); console.log(1);')).toBe(1);
			expect(readdirSync(join(folder, "app"))).toEqual(["bot.sqlite3"]);
			expect(readdirSync(join(folder, "volume"))).toEqual(names);

			rmSync(target);
			const read = 'console.log(JSON.stringify(await store.appData.get("k")));';
			expect(await program(read)).toBe(1);
			writeFileSync(target, "damaged".repeat(1000));
			expect(await program(read)).toBe(1);
			expect(lstatSync(link).isSymbolicLink()).toBe(true);
			expect(readdirSync(join(folder, "app"))).toEqual(["bot.sqlite3"]);
			expect(readdirSync(join(folder, "volume"))).toEqual(
				expect.arrayContaining([...names, expect.stringContaining("damaged")]),
			);
		},
	);

	test.skipIf(process.platform === "win32")(
		"in a folder behind a link stays where it was when the link leads elsewhere",
		async () => {
			const folder = temporaryDirectory();
			for (const name of ["one", "two"]) mkdirSync(join(folder, name));
			symlinkSync("one", join(folder, "current"));
			const source = `
			const { rmSync, symlinkSync } = await import("node:fs");
			const store = openDataStore({ filename: "current/bot.sqlite3", backup: { quiet: true } });
			await store.appData.set({ key: "k", value: 1 });
			rmSync("current");
			symlinkSync("two", "current");
			await store.appData.set({ key: "k", value: 2 });
			await store.backups.create();
			const named = store.config.sqlite3.filename;
			await store.close();
			const other = openDataStore({ filename: "current/bot.sqlite3", backup: { quiet: true } });
			const found = await other.appData.get("k");
			await other.appData.set({ key: "k", value: "other" });
			await other.close();
			const first = openDataStore({ filename: "one/bot.sqlite3", backup: { quiet: true } });
			console.log(JSON.stringify({ named, found: found ?? null, first: await first.appData.get("k") }));
			await first.close();`;
			const { named, found, first } = await use(source, { cwd: folder });
			expect(realpathSync(named)).toBe(realpathSync(join(folder, "one", "bot.sqlite3")));
			expect([found, first]).toEqual([null, 2]);
			for (const name of ["one", "two"]) {
				expect(readdirSync(join(folder, name)).sort()).toEqual([
					"bot.sqlite3",
					"bot.sqlite3.backup",
					"bot.sqlite3.backup-state",
				]);
			}
		},
	);

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
		["names another database type", JSON.stringify({ databaseType: "mysql", mysql: { password: secret } })],
		["names no database type", JSON.stringify({ sqlite3: { filename: "x.db" } })],
		["has a database type that is no text", JSON.stringify({ databaseType: 3 })],
		["is null", "null"],
		["is a number", "5"],
		["is a text", '"sqlite3"'],
		["is an array", "[]"],
		["has null for sqlite3", JSON.stringify({ databaseType: "sqlite3", sqlite3: null })],
		["has a text for sqlite3", JSON.stringify({ databaseType: "sqlite3", sqlite3: "x.db" })],
		...["mysql://bot:PW@h/db", "postgres://bot:PW@h/db", '"pg://bot:PW@h/db"', "https:/PW@h", "url=s3://PW@b"].map(
			(url) => [
				`has for a file name what looks like a URL, ${url}`,
				JSON.stringify({ databaseType: "sqlite3", sqlite3: { filename: url.replace("PW", secret) } }),
			],
		),
		["has the file name beside sqlite3", JSON.stringify({ databaseType: "sqlite3", filename: "x.db" })],
		["has sqlite3 without a file name", JSON.stringify({ databaseType: "sqlite3", sqlite3: {} })],
		["has a number for the file name", JSON.stringify({ databaseType: "sqlite3", sqlite3: { filename: 5 } })],
		["has an empty file name", sqlite("")],
	];

	/** The store of one process with each of them in turn: what could not be used is asked for again at the next use. */
	let reports;

	beforeAll(async () => {
		const source = `
			const { readdirSync } = await import("node:fs");
			const reports = [];
			for (const DATABASE_CONFIG of ${JSON.stringify(cases.map(([, config]) => config))}) {
				process.env.DATABASE_CONFIG = DATABASE_CONFIG;
				reports.push({ set: await outcome(set(1)), get: await outcome(get()), config: configOf(), names: readdirSync(".") });
			}
			console.log(JSON.stringify(reports));`;
		reports = await inEmptyFolder((cwd) => use(source, { cwd }));
	});

	test.each(cases.map(([name], index) => [name, index]))(
		"%s: an error at first use names the variable and what was expected, and the process goes on",
		(_, index) => {
			const { set, get, config, names } = reports[index];
			for (const error of [set, get]) {
				expect(error).toMatchObject({ name: "RootcellarError", code: "ERR_INVALID_CONFIG", own: true });
			}
			// Asking for the configuration is no error, but for the file that it does not name.
			expect([config.code, config.shown]).toEqual(["ERR_INVALID_CONFIG", '{"databaseType":"sqlite3"}']);
			for (const { message } of [set, get, config]) {
				expect(message).toContain("DATABASE_CONFIG");
				expect(message).toContain('"databaseType":"sqlite3"');
				expect(message).not.toContain(secret);
			}
			expect(names).toEqual([]);
		},
	);

	test("a text is an error in a process that begins with it", async () => {
		const cwd = temporaryDirectory();
		const { set, get } = await use(REPORT, { cwd, DATABASE_CONFIG: "nonsense" });
		expect([set.code, get.code]).toEqual(["ERR_INVALID_CONFIG", "ERR_INVALID_CONFIG"]);
		expect(readdirSync(cwd)).toEqual([]);
	});

	test("a destination that cannot be used keeps nobody from asking for the file", async () => {
		const cwd = temporaryDirectory();
		const { set, config } = await use(REPORT, { cwd, ROOTCELLAR_BACKUP: "s3:/bucket/prefix" });
		expect(set.code).toBe("ERR_INVALID_CONFIG");
		expect(config.filename).toBe("./rootsdk.sqlite3");
	});

	test("and a working directory that is gone is an error only where a relative path starts from it", async () => {
		const cwd = temporaryDirectory();
		const elsewhere = join(temporaryDirectory(), "store.sqlite3");
		const source = `
			const { mkdtempSync, rmdirSync } = await import("node:fs");
			const gone = mkdtempSync("gone-");
			const path = process.cwd() + "/" + gone;
			process.chdir(path);
			rmdirSync(path);
			const attempt = (make) => { try { return make(); } catch (error) { return { code: error.code, message: error.message }; } };
			const named = openDataStore({ filename: ${JSON.stringify(elsewhere)} });
			await named.appData.set({ key: "k", value: 1 });
			const { filename } = named.config.sqlite3;
			await named.close();
			const relative = attempt(() => openDataStore({ filename: "x.sqlite3" }));
			console.log(JSON.stringify({ filename, relative }));`;
		const { filename, relative } = await runModuleForJson(source, { cwd });
		expect(filename).toBe(elsewhere);
		expect(relative).toEqual({ code: "ERR_INVALID_CONFIG", message: expect.stringContaining("working directory") });
		expect(existsSync(`${elsewhere}.backup`)).toBe(true);
	});

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
		expect(set.code).toMatch(/^(SQLITE_(CANTOPEN|READONLY)|ERR_BACKUP_STATE)/);
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

describe("a destination of backups that looks like an address, and is none", () => {
	const key = "AKIA-hunter2";
	const cases = [
		["in double quotes, as env files of Docker keep them", `"s3://${key}@bucket/x"`],
		["in single quotes", `'s3://${key}@bucket/x'`],
		["in backticks", `\`s3://${key}@bucket/x\``],
		["with a space before it", ` s3://${key}@bucket/x`],
		["with a line break behind it", `s3://${key}@bucket/x\n`],
		["with one slash", `s3:/${key}@bucket/x`],
		["without slashes", `s3:${key}@bucket/x`],
		["without its colon", `s3//${key}@bucket/x`],
		["with backslashes", `gs:\\\\${key}@bucket\\x`],
		["with the name of the variable", `ROOTCELLAR_BACKUP=s3://${key}@bucket/x`],
		["with a path before it", `/backups/s3://${key}@bucket/x`],
		["in typographic quotes", `\u201cs3://${key}@bucket/x\u201d`],
		["with a line break in it", `s3://bucket/a\n${key}`],
		["with a variable that nothing has replaced", `s3://\${BUCKET}/${key}`],
		["with a variable of a shell", `$HOME/${key}`],
		["with the home of a shell", `~/${key}`],
		["with a placeholder", `s3://<bucket>/${key}`],
		["with a host before it, as programs that copy take it", `${key}@host:/backups`],
		["with a number", "1"],
		["with yes", "Yes"],
		["with true", "true"],
		["with the text of nothing", "undefined"],
		["with the text of an object", "[object Object]"],
		...(process.platform === "win32"
			? []
			: [
					["with a drive of Windows", `C:\\${key}`],
					["with a share of Windows", `\\\\host\\${key}`],
				]),
	];

	let reports;

	beforeAll(async () => {
		const source = `
			const { readdirSync } = await import("node:fs");
			const reports = [];
			for (const url of ${JSON.stringify(cases.map(([, url]) => url))}) {
				process.env.ROOTCELLAR_BACKUP = url;
				const report = { set: await outcome(set(1)) };
				try { openDataStore({ filename: "b.db", backup: { url } }); }
				catch (error) { report.option = { code: error.code, argument: error.argument, message: error.message }; }
				reports.push({ ...report, names: readdirSync(".") });
			}
			console.log(JSON.stringify(reports));`;
		reports = await inEmptyFolder((cwd) => use(source, { cwd }));
	});

	test.each(cases.map(([name], index) => [name, index]))(
		"%s: is refused, without showing it, and makes no folder",
		(_, index) => {
			const report = reports[index];
			expect(report.set).toMatchObject({ code: "ERR_INVALID_CONFIG", own: true });
			expect(report.set.message).toContain("ROOTCELLAR_BACKUP cannot be used");
			expect(report.option).toMatchObject({ code: "ERR_INVALID_ARGUMENT", argument: "options.backup.url" });
			expect(JSON.stringify(report)).not.toContain(key);
			expect(report.names).toEqual([]);
		},
	);

	test("a path that looks like one stays a path", async () => {
		const cwd = temporaryDirectory();
		const paths = ["C-drive", "./s3:bucket", "a folder", "s3.backup", "a/b:c", "./~", "./true", "a$b", "a@b"];
		const source = `
			const values = [];
			for (const [n, path] of ${JSON.stringify(paths)}.entries()) {
				process.env.ROOTCELLAR_BACKUP = path;
				process.env.DATABASE_CONFIG = JSON.stringify({ databaseType: "sqlite3", sqlite3: { filename: n + ".db" } });
				const store = openDataStore({});
				await store.appData.set({ key: "k", value: n });
				values.push(await store.appData.get("k"));
				await store.close();
			}
			console.log(JSON.stringify(values));`;
		expect(await use(source, { cwd })).toEqual(paths.map((_, n) => n));
		for (const path of paths) expect(existsSync(join(cwd, path, "ltx")), path).toBe(true);
	});
});
