// `readOnly`: whatever would write is refused, the file and what lies beside it stay as they are, and what others write is
// seen.

import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import Database from "better-sqlite3";
import { openDataStore } from "rootcellar";
import { describe, expect, onTestFinished, test } from "vitest";
import { runMounted } from "../faults/permission/namespace.mjs";
import { packagePath, packageUrl, runModule, startModule } from "../helpers/child.mjs";
import { expectArgumentError, expectFailure, rejection } from "../helpers/errors.mjs";
import { makeSdkFile, raw } from "../helpers/raw.mjs";
import { temporaryDirectory, temporaryFile, temporaryStore } from "../helpers/store.mjs";

function readerOf(filename, options = {}) {
	const store = openDataStore({ filename, readOnly: true, ...options });
	onTestFinished(() => store.close());
	return store;
}

/** The names and bytes of what is in a folder. */
function contents(folder) {
	const files = readdirSync(folder).filter((name) => !name.endsWith("-shm"));
	return Object.fromEntries(files.map((name) => [name, readFileSync(join(folder, name)).toString("base64")]));
}

/** A file of a store that is closed. */
async function closedFile(entries = [{ key: "k", value: 1 }]) {
	const filename = temporaryFile();
	const store = openDataStore({ filename, backup: false });
	await store.appData.set(entries);
	await store.sqlite.exec("CREATE TABLE players (name TEXT)");
	await store.close();
	return filename;
}

const WRITES = {
	set: ({ appData }) => appData.set({ key: "k", value: 2 }),
	"set of nothing": ({ appData }) => appData.set([]),
	"set of many": ({ appData }) =>
		appData.set([
			{ key: "a", value: 1 },
			{ key: "b", value: 1 },
		]),
	update: ({ appData }) => appData.update("k", () => expect.unreachable(), 0),
	delete: ({ appData }) => appData.delete("k"),
	"delete of what is not there": ({ appData }) => appData.delete("missing"),
	deleteLike: ({ appData }) => appData.deleteLike("%"),
	run: ({ sqlite }) => sqlite.run("INSERT INTO players VALUES ('ada')"),
	"run of what changes nothing": ({ sqlite }) => sqlite.run("DELETE FROM players WHERE 0"),
	"all with RETURNING": ({ sqlite }) => sqlite.all("INSERT INTO players VALUES ('ada') RETURNING name"),
	exec: ({ sqlite }) => sqlite.exec("SELECT 1; CREATE TABLE other (a)"),
	"DROP TABLE": ({ sqlite }) => sqlite.run("DROP TABLE players"),
	batch: ({ sqlite }) => sqlite.batch([{ sql: "SELECT 1" }, { sql: "DELETE FROM players" }]),
	VACUUM: ({ sqlite }) => sqlite.run("VACUUM"),
	"PRAGMA user_version": ({ sqlite }) => sqlite.run("PRAGMA user_version = 7"),
	migrate: ({ sqlite }) => sqlite.migrate([{ name: "1_a.sql", sql: "CREATE TABLE a (b)" }]),
	"appData in a transaction": ({ sqlite }) => sqlite.transaction((tx) => tx.appData.set({ key: "k", value: 2 })),
	"SQL in a transaction": ({ sqlite }) => sqlite.transaction((tx) => tx.run("DELETE FROM players")),
	"a reserved connection": async ({ sqlite }) => {
		const connection = await sqlite.reserve();
		await connection.run("BEGIN");
		await connection.run("DELETE FROM players").finally(() => connection.release());
	},
	"a reserved connection that allows writing": async ({ sqlite }) => {
		const connection = await sqlite.reserve();
		await connection.run("PRAGMA query_only = OFF");
		await connection.run("DELETE FROM players").finally(() => connection.release());
	},
	"backups.create": ({ backups }) => backups.create(),
	"backups.restore": ({ backups }) => backups.restore(),
};

/** Statements that write without writing rows: to the header, the schema, the free pages, the log. */
const WRITING_STATEMENTS = [
	...["", "(PASSIVE)", "(FULL)", " = RESTART", "(TRUNCATE)"].map((mode) => `PRAGMA wal_checkpoint${mode}`),
	"PRAGMA main.WAL_checkpoint(TRUNCATE)",
	"PRAGMA user_version = 7",
	"PRAGMA application_id(7)",
	"PRAGMA incremental_vacuum",
	"PRAGMA incremental_vacuum(5)",
	"PRAGMA optimize",
	"PRAGMA optimize(0x10002)",
	"ANALYZE",
	"ANALYZE players",
	"REINDEX",
	"REINDEX by_name",
	"CREATE VIEW names AS SELECT name FROM players",
	"ALTER TABLE players ADD COLUMN age",
];

/** Statements that a connection may not run in any store. */
const FORBIDDEN_STATEMENTS = [
	"PRAGMA journal_mode = DELETE",
	"PRAGMA schema_version = 5",
	"PRAGMA auto_vacuum = FULL",
	"PRAGMA page_size = 8192",
	"PRAGMA encoding = 'UTF-16'",
	"ATTACH 'new.sqlite3' AS new",
];

/** Ways to run a statement. */
const WAYS = {
	run: ({ sqlite }, sql) => sqlite.run(sql),
	exec: ({ sqlite }, sql) => sqlite.exec(`SELECT 1; ${sql}`),
	batch: ({ sqlite }, sql) => sqlite.batch([{ sql }]),
	"a transaction": ({ sqlite }, sql) => sqlite.transaction((tx) => tx.run(sql)),
	"a reserved connection": async ({ sqlite }, sql) => {
		const connection = await sqlite.reserve();
		await connection.run(sql).finally(() => connection.release());
	},
};

/** Each statement in each way, and the code it fails with. */
async function codesOf(store, statements) {
	const found = [];
	for (const sql of statements) {
		for (const [way, run] of Object.entries(WAYS)) {
			const code = await run(store, sql).then(
				() => "it ran",
				(error) => error.code,
			);
			found.push([sql, way, code]);
		}
	}
	return found;
}

/** Codes that {@link codesOf} is to find. */
function codes(statements, code) {
	return statements.flatMap((sql) => Object.keys(WAYS).map((way) => [sql, way, code]));
}

describe("a store with readOnly", () => {
	// A log that has not been copied to the file is what a checkpoint would write.
	test("rejects what writes no rows, too, also while the file has a log", async () => {
		const source = await closedFile();
		const other = new Database(source);
		other.exec("CREATE INDEX by_name ON players (name); INSERT INTO players VALUES ('ada'); DELETE FROM __rootapp_kv");
		const filename = temporaryFile();
		for (const suffix of ["", "-wal"]) copyFileSync(source + suffix, filename + suffix);
		other.close();
		expect(statSync(`${filename}-wal`).size).toBeGreaterThan(0);
		const before = contents(dirname(filename));
		const store = readerOf(filename);
		expect(await codesOf(store, WRITING_STATEMENTS)).toEqual(codes(WRITING_STATEMENTS, "ERR_READ_ONLY"));
		await expectFailure(() => store.sqlite.run("VACUUM"), "ERR_READ_ONLY");
		expect(await codesOf(store, FORBIDDEN_STATEMENTS)).toEqual(codes(FORBIDDEN_STATEMENTS, "ERR_SQL_FORBIDDEN"));
		await expectFailure(() => store.sqlite.all("PRAGMA wal_checkpoint"), "ERR_READ_ONLY");
		// It is so already, and bots say it when they start.
		expect(await store.sqlite.all("PRAGMA journal_mode = WAL")).toEqual([{ journal_mode: "wal" }]);
		expect(await store.sqlite.all("SELECT name FROM players")).toEqual([{ name: "ada" }]);
		await store.close();
		expect(contents(dirname(filename))).toEqual(before);
	});

	test("has what is temporary on a reserved connection alone, and keeps it out of the file", async () => {
		const filename = await closedFile();
		const before = contents(dirname(filename));
		const store = readerOf(filename);
		const connection = await store.sqlite.reserve();
		await connection.run("CREATE TEMP TABLE seen (name TEXT)");
		await connection.run("INSERT INTO seen VALUES ('ada')");
		expect(await connection.all("SELECT name FROM seen")).toEqual([{ name: "ada" }]);
		await connection.release();
		await store.close();
		expect(contents(dirname(filename))).toEqual(before);
	});

	test.each(Object.keys(WRITES))("rejects %s with ERR_READ_ONLY, and changes nothing", async (name) => {
		const filename = await closedFile();
		const before = contents(dirname(filename));
		const store = readerOf(filename, { backup: undefined });
		await expectFailure(() => WRITES[name](store), "ERR_READ_ONLY");
		expect(await store.appData.get("k")).toBe(1);
		await store.close();
		expect(contents(dirname(filename))).toEqual(before);
	});

	test("reads with every method, and leaves no trace", async () => {
		const entries = Array.from({ length: 1_000 }, (_, n) => ({ key: `k:${n}`, value: { n } }));
		const filename = await closedFile(entries);
		const before = { ...contents(dirname(filename)), time: statSync(filename).mtimeMs };
		const store = readerOf(filename);
		expect(await store.appData.select("k:%")).toEqual(entries);
		expect(await store.appData.get("k:7")).toEqual({ n: 7 });
		expect(await store.kv.has("k:7")).toBe(true);
		expect(await store.sqlite.all("SELECT count(*) AS n FROM __rootapp_kv")).toEqual([{ n: 1_000 }]);
		const seen = await store.sqlite.transaction(async (tx) => [
			await tx.appData.get("k:1"),
			await tx.get("SELECT 1 AS a"),
		]);
		expect(seen).toEqual([{ n: 1 }, { a: 1 }]);
		let rows = 0;
		for await (const _ of store.sqlite.iterate("SELECT key FROM __rootapp_kv")) rows++;
		expect(rows).toBe(1_000);
		expect(store.backups.status()).toMatchObject({ state: "off" });
		await store.close();
		expect({ ...contents(dirname(filename)), time: statSync(filename).mtimeMs }).toEqual(before);
		expect(readdirSync(dirname(filename))).toEqual([basename(filename)]);
	});

	test("leaves the log of a killed process as it is, and reads what is in it", async () => {
		const filename = temporaryFile();
		const child = startModule(
			`const store = openDataStore({ filename: process.argv[1], backup: false });
			for (let n = 0; n < 200; n++) await store.appData.set({ key: "k", value: n });
			console.log("written");
			setInterval(() => {}, 1000);`,
			{ args: [filename] },
		);
		await child.line("written");
		child.kill("SIGKILL");
		await child.ended;
		const before = contents(dirname(filename));
		const store = readerOf(filename);
		expect(await store.appData.get("k")).toBe(199);
		await store.close();
		expect(contents(dirname(filename))).toEqual(before);
	});

	test("does not migrate a file of the SDK, and reads its newest rows", async () => {
		const filename = temporaryFile();
		await makeSdkFile(filename, [
			{ key: "k", value: "1" },
			{ key: "k", value: "2" },
			{ key: "other", value: "3" },
		]);
		const before = contents(dirname(filename));
		const store = readerOf(filename);
		expect(await store.appData.get("k")).toBe(2);
		for (const sql of ["PRAGMA journal_mode = WAL", "PRAGMA wal_checkpoint(TRUNCATE)"]) {
			expect(await codesOf(store, [sql])).toEqual(codes([sql], "ERR_READ_ONLY"));
		}
		expect(await store.appData.select("%")).toEqual([
			{ key: "k", value: 2 },
			{ key: "other", value: 3 },
		]);
		await store.close();
		expect(contents(dirname(filename))).toEqual(before);
	});

	test("does not purge, and hides what has expired", async () => {
		const filename = await closedFile();
		await raw(filename, "INSERT INTO __rootapp_kv (key, value, expires_at) VALUES ('old', '1', 1)");
		const store = readerOf(filename);
		expect(await store.appData.get("old")).toBeUndefined();
		expect(await store.sqlite.all("SELECT key FROM __rootapp_kv WHERE key = 'old'")).toEqual([{ key: "old" }]);
	});

	test("sees at once what a bot, another store and another library commit", async () => {
		const filename = await closedFile();
		const reader = readerOf(filename);
		expect(await reader.appData.get("k")).toBe(1);
		const here = temporaryStore(filename);
		await here.appData.set({ key: "k", value: 2 });
		expect(await reader.appData.get("k")).toBe(2);
		const child = startModule(
			`const store = openDataStore({ filename: process.argv[1], backup: false });
			await store.appData.set({ key: "k", value: 3 });
			console.log("written");
			process.stdin.resume();`,
			{ args: [filename] },
		);
		await child.line("written");
		expect(await reader.appData.get("k")).toBe(3);
		const other = new Database(filename);
		for (let n = 4; n < 50; n++) {
			other.prepare("UPDATE __rootapp_kv SET value = ? WHERE key = 'k'").run(String(n));
			expect(await reader.appData.get("k")).toBe(n);
		}
		other.close();
		child.kill();
		await child.ended;
		// The bot is not hindered by it.
		await here.appData.set({ key: "k", value: 50 });
		expect(await reader.appData.get("k")).toBe(50);
	});

	test("leaves its log to a bot that begins meanwhile", async () => {
		const filename = await closedFile();
		const reader = readerOf(filename);
		expect(await reader.appData.get("k")).toBe(1);
		const here = temporaryStore(filename);
		await here.appData.set({ key: "k", value: 2 });
		await reader.close();
		await here.appData.set({ key: "k", value: 3 });
		expect(await here.appData.get("k")).toBe(3);
		expect(await raw(filename, "SELECT value FROM __rootapp_kv")).toEqual([{ value: "3" }]);
	});
});

describe("what cannot be read is a clear error, and leaves no trace:", () => {
	const refused = async (filename, code) => {
		const before = contents(dirname(filename));
		const error = await expectFailure(() => readerOf(filename).appData.get("k"), code);
		expect(contents(dirname(filename))).toEqual(before);
		return error;
	};

	test("a missing file, which is not made, and can be read once it is there", async () => {
		const filename = temporaryFile();
		expect((await refused(filename, "SQLITE_CANTOPEN")).message).toContain(`there is no ${filename}`);
		const store = readerOf(filename);
		await rejection(() => store.appData.get("k"));
		copyFileSync(await closedFile(), filename);
		expect(await store.appData.get("k")).toBe(1);
	});

	test("an empty file", async () => {
		const filename = temporaryFile();
		writeFileSync(filename, "");
		await refused(filename, "ERR_NOT_A_STORE");
	});

	test("a database of something else", async () => {
		const filename = temporaryFile();
		await raw(filename, "CREATE TABLE t (a)");
		await refused(filename, "ERR_NOT_A_STORE");
	});

	test("a folder", async () => {
		const filename = temporaryFile();
		mkdirSync(filename);
		await expectFailure(() => readerOf(filename).appData.get("k"), "SQLITE_CANTOPEN_ISDIR");
	});

	test("a file of a newer schema", async () => {
		const filename = await closedFile();
		await raw(filename, "UPDATE __rootcellar_schema SET version = 99");
		await refused(filename, "ERR_SCHEMA_NEWER");
	});

	test.each([10, 100, 5_000])("a text of %i bytes", async (length) => {
		const filename = temporaryFile();
		writeFileSync(filename, "x".repeat(length));
		await refused(filename, "SQLITE_NOTADB");
	});

	test("a damaged page", async () => {
		const filename = await closedFile(Array.from({ length: 5_000 }, (_, n) => ({ key: `k:${n}`, value: n })));
		const bytes = readFileSync(filename);
		bytes.fill(0xa5, 8_192);
		writeFileSync(filename, bytes);
		const error = await rejection(() => readerOf(filename).appData.select("%"));
		expect(error.code).toMatch(/^SQLITE_(CORRUPT|NOTADB|IOERR)/);
		expect(readFileSync(filename).equals(bytes)).toBe(true);
	});

	test("the log of another file beside it", async () => {
		const filename = temporaryFile();
		const child = startModule(
			`const store = openDataStore({ filename: process.argv[1], backup: false });
			await store.appData.set({ key: "k", value: "killed" });
			console.log("written");
			setInterval(() => {}, 1000);`,
			{ args: [filename] },
		);
		await child.line("written");
		child.kill("SIGKILL");
		await child.ended;
		// In case that the log is in the file already: the file is another one in any case.
		copyFileSync(await closedFile(), filename);
		const hasLog = statSync(`${filename}-wal`, { throwIfNoEntry: false })?.size > 0;
		if (hasLog) await refused(filename, "ERR_STRAY_LOG");
		else expect(await readerOf(filename).appData.get("k")).toBe(1);
	});

	test("options that do not fit", () => {
		for (const readOnly of [null, 1, "true", {}]) {
			expectArgumentError(
				thrown(() => openDataStore({ readOnly })),
				"options.readOnly",
			);
		}
		expectArgumentError(
			thrown(() => openDataStore({ filename: ":memory:", readOnly: true })),
			"options.readOnly",
		);
	});
});

function thrown(call) {
	try {
		call();
	} catch (error) {
		return error;
	}
	throw new Error("it did not throw");
}

/** Root may do anything, so what runs as root becomes this user once all is loaded. */
const OTHER = 65_534;

const AS_OTHER = `
	const [filename] = process.argv.slice(1);
	const warm = openDataStore({ filename: ":memory:" });
	await warm.appData.set({ key: "k", value: 1 });
	await warm.close();
	if (process.getuid() === 0) { process.setgroups([]); process.setgid(${OTHER}); process.setuid(${OTHER}); }
	const store = openDataStore({ filename, readOnly: true });
	const attempt = (call) => call().catch(({ code }) => code);
	const report = async () => console.log(JSON.stringify([
		await attempt(() => store.appData.get("k")),
		await attempt(() => store.appData.select("%").then((rows) => rows.length)),
		await attempt(() => store.sqlite.get("SELECT count(*) AS n FROM __rootapp_kv").then(({ n }) => n)),
		await attempt(() => store.sqlite.run("DELETE FROM __rootapp_kv")),
	]));
	await report();
	for await (const _ of process.stdin) await report();`;

describe.runIf(process.platform === "linux")("where the process may not write", () => {
	/** A folder that others may enter and read, with what `fill` puts there. */
	async function closedFolder(fill) {
		const outer = temporaryDirectory();
		chmodSync(outer, 0o755);
		const folder = join(outer, "data");
		mkdirSync(folder);
		const filename = join(folder, "bot.sqlite3");
		await fill(filename);
		for (const name of readdirSync(folder)) chmodSync(join(folder, name), 0o644);
		chmodSync(folder, 0o555);
		onTestFinished(() => chmodSync(folder, 0o755));
		return filename;
	}

	/** Copies a database that a library has open, with its log, as a machine that lost its power leaves it. */
	async function withLog(filename, suffixes) {
		const source = await closedFile();
		const other = new Database(source);
		other.prepare("UPDATE __rootapp_kv SET value = '2'").run();
		for (const suffix of suffixes) copyFileSync(source + suffix, filename + suffix);
		other.close();
	}

	const FOLDERS = {
		"a file that was closed": [async (filename) => copyFileSync(await closedFile(), filename), 1],
		"a file with an empty log": [
			async (filename) => {
				copyFileSync(await closedFile(), filename);
				writeFileSync(`${filename}-wal`, "");
			},
			1,
		],
		"a file with the log that was left": [(filename) => withLog(filename, ["", "-wal"]), 2],
		"a file with a log and its index": [(filename) => withLog(filename, ["", "-wal", "-shm"]), 2],
		"a file of the SDK": [(filename) => makeSdkFile(filename, [{ key: "k", value: "3" }]), 3],
	};

	test.each(Object.keys(FOLDERS))("it reads %s, with all that is committed, and leaves it as it is", async (name) => {
		const [fill, value] = FOLDERS[name];
		const filename = await closedFolder(fill);
		const before = contents(dirname(filename));
		const child = startModule(AS_OTHER, { args: [filename] });
		child.end();
		expect(await child.ended).toMatchObject({ code: 0, stderr: "" });
		expect(JSON.parse(child.lines[0])).toEqual([value, 1, 1, "ERR_READ_ONLY"]);
		expect(contents(dirname(filename))).toEqual(before);
	});

	test("it sees what a bot of another user commits", async () => {
		const filename = await closedFolder(async (filename) => copyFileSync(await closedFile(), filename));
		chmodSync(dirname(filename), 0o755);
		const bot = temporaryStore(filename);
		await bot.appData.set({ key: "k", value: 10 });
		chmodSync(dirname(filename), 0o555);
		const child = startModule(AS_OTHER, { args: [filename] });
		await child.line('[10,1,1,"ERR_READ_ONLY"]');
		await bot.appData.set({ key: "k", value: 11 });
		child.write("again\n");
		await child.line('[11,1,1,"ERR_READ_ONLY"]');
		child.end();
		expect(await child.ended).toMatchObject({ code: 0, stderr: "" });
	});

	test.runIf(process.getuid?.() === 0)(
		"it ends with an error, and is never stale, if a bot begins to write",
		async () => {
			const filename = await closedFolder(async (filename) => copyFileSync(await closedFile(), filename));
			const child = startModule(AS_OTHER, { args: [filename] });
			await child.line('[1,1,1,"ERR_READ_ONLY"]');
			const bot = temporaryStore(filename);
			await bot.appData.set({ key: "k", value: 10 });
			child.write("again\n");
			await child.line(JSON.stringify(Array(4).fill("SQLITE_READONLY_DBMOVED")));
			child.end();
			expect(await child.ended).toMatchObject({ code: 0, stderr: "" });
		},
	);

	test.each(["a file that was closed", "a file with the log that was left"])(
		"the command line exports %s, and leaves it as it is",
		async (name) => {
			const [fill, value] = FOLDERS[name];
			const filename = await closedFolder(fill);
			const before = contents(dirname(filename));
			const program = `
				const { createRequire } = await import("node:module");
				const require = createRequire(${JSON.stringify(packagePath)});
				require("./lib/native/binding.js").loadBinding();
				const { main } = require("./lib/cli/program.js");
				// Loads the rest of what is used, while it may be read, by the names by which it is asked for.
				createRequire(require.resolve("./lib/cli/program.js"))("./export.js");
				await require(".").openDataStore({ filename: ":memory:" }).close();
				if (process.getuid() === 0) { process.setgroups([]); process.setgid(${OTHER}); process.setuid(${OTHER}); }
				await main([process.execPath, "rootcellar", "export", "--file", process.argv[1]]);`;
			const { code, stdout, stderr } = await runModule(program, { args: [filename] });
			expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
			expect(JSON.parse(stdout)).toMatchObject({ key: "k", value });
			expect(contents(dirname(filename))).toEqual(before);
		},
	);

	test("a file system that is mounted read-only", async () => {
		const folder = temporaryDirectory();
		await withLog(join(folder, "bot.sqlite3"), ["", "-wal"]);
		const program = `import { openDataStore } from ${JSON.stringify(packageUrl)};
			const store = openDataStore({ filename: process.argv[1], readOnly: true });
			const write = await store.appData.set({ key: "k", value: 1 }).catch(({ code }) => code);
			console.log(JSON.stringify([await store.appData.get("k"), write]));
			await store.close();`;
		const mounts = 'mount --bind "$1" "$1"\nmount -o remount,ro,bind "$1"';
		const command = [process.execPath, "--input-type=module", "--eval", program, "--", join(folder, "bot.sqlite3")];
		expect(await runMounted(mounts, [folder], command)).toEqual([2, "ERR_READ_ONLY"]);
	});
});
