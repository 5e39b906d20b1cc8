// What SQL may not do: end durability, spoil the backup, or take the store's own tables away.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { rejection } from "../helpers/errors.mjs";
import { temporaryDirectory } from "../helpers/store.mjs";
import { storeWithRows, valuesOf } from "./tables.mjs";

/** Every way to run one statement, each of which refuses `sql` by name. */
async function refused(sqlite, sql) {
	const connection = await sqlite.reserve();
	const errors = [
		await rejection(() => connection.run(sql)),
		await rejection(() => connection.exec(sql)),
		await rejection(() => connection.all(sql)),
	];
	await connection.release();
	errors.push(
		await rejection(() => sqlite.run(sql)),
		await rejection(() => sqlite.exec(sql)),
		await rejection(() => sqlite.exec(`SELECT 1; ${sql}; SELECT 1`)),
		await rejection(() => sqlite.all(sql)),
		await rejection(() => sqlite.iterate(sql).next()),
		await rejection(() => sqlite.prepare(sql)),
		await rejection(() => sqlite.batch([{ sql }])),
		await rejection(() => sqlite.transaction((tx) => tx.run(sql))),
	);
	for (const error of errors) {
		expect(error, sql).toMatchObject({ name: "RootcellarError", code: "ERR_SQL_FORBIDDEN" });
		expect(error.message.length).toBeGreaterThan(20);
	}
}

describe("ATTACH and DETACH", () => {
	test("are refused however they are written, and make no file", async () => {
		const { sqlite } = await storeWithRows();
		const path = join(temporaryDirectory(), "other.sqlite3");
		await refused(sqlite, `ATTACH '${path}' AS other`);
		await refused(sqlite, `/* x */ attach database '${path}' as other`);
		await refused(sqlite, "ATTACH ('a' || 'b') AS other");
		await refused(sqlite, "DETACH main");
		expect(await rejection(() => sqlite.run("ATTACH ? AS other", [path]))).toMatchObject({ code: "ERR_SQL_FORBIDDEN" });
		expect(existsSync(path)).toBe(false);
	});
});

describe("a PRAGMA", () => {
	test("that would end durability, exclude others or damage the file is refused, and changes nothing", async () => {
		const { sqlite } = await storeWithRows();
		for (const pragma of [
			"journal_mode = OFF",
			"journal_mode = DELETE",
			"journal_mode(memory)",
			"main.journal_mode = TRUNCATE",
			"locking_mode = EXCLUSIVE",
			"main.locking_mode = exclusive",
			"writable_schema = ON",
			"writable_schema = RESET",
			"synchronous = OFF",
			"SYNCHRONOUS = 0",
			"synchronous = NORMAL",
			"fullfsync = 0",
			"checkpoint_fullfsync = 0",
			"wal_autocheckpoint = 0",
			"schema_version = 5",
			"mmap_size = 1000000",
			"page_size = 512",
			"auto_vacuum = 1",
			"busy_timeout = 0",
			"trusted_schema = 1",
			"temp_store_directory = '/'",
			"case_sensitive_like = 1",
			"max_page_count = 1",
			"hard_heap_limit = 1",
		]) {
			await refused(sqlite, `PRAGMA ${pragma}`);
		}
		const connection = await sqlite.reserve();
		const read = async (name) => Object.values(await connection.get(`PRAGMA ${name}`))[0];
		expect(await read("journal_mode")).toBe("wal");
		expect(await read("locking_mode")).toBe("normal");
		expect(await read("synchronous")).toBe(3);
		expect(await read("writable_schema")).toBe(0);
		await connection.release();
	});

	test("that asks for what is so is accepted, as bots say it when they start", async () => {
		const { sqlite } = await storeWithRows();
		await sqlite.exec("PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON; PRAGMA locking_mode = NORMAL");
		expect(await sqlite.all("PRAGMA journal_mode = wal")).toEqual([{ journal_mode: "wal" }]);
		expect(await sqlite.get("PRAGMA journal_mode")).toEqual({ journal_mode: "wal" });
		await sqlite.run("PRAGMA foreign_keys = 1");
		expect(await sqlite.all("PRAGMA wal_checkpoint(PASSIVE)")).toHaveLength(1);
	});

	test("that is stored in the file is accepted, and rolled back with its transaction", async () => {
		const { sqlite } = await storeWithRows();
		await sqlite.run("PRAGMA user_version = 7");
		await sqlite.exec("PRAGMA application_id = 8");
		await sqlite
			.transaction(async (tx) => {
				await tx.run("PRAGMA user_version = 9");
				throw new Error("no");
			})
			.catch(() => {});
		expect(await sqlite.get("PRAGMA user_version")).toEqual({ user_version: 7 });
		expect(await sqlite.get("PRAGMA application_id")).toEqual({ application_id: 8 });
		expect(await rejection(() => sqlite.all("PRAGMA user_version = 1"))).toMatchObject({ code: "ERR_NOT_A_READ" });
	});

	test("that sets a state of the connection is for a reserved one, and reset when that is released", async () => {
		const { sqlite } = await storeWithRows();
		for (const method of ["run", "all"]) {
			const error = await rejection(() => sqlite[method]("PRAGMA foreign_keys = OFF"));
			expect(error).toMatchObject({ code: "ERR_SQL_FORBIDDEN" });
			expect(error.message).toContain("reserve()");
		}
		const connection = await sqlite.reserve();
		await connection.run("PRAGMA foreign_keys = OFF");
		await connection.exec("PRAGMA recursive_triggers = ON; PRAGMA ignore_check_constraints = ON");
		expect(await connection.get("PRAGMA foreign_keys")).toEqual({ foreign_keys: 0 });
		await connection.release();
		// Now also as a statement that the connection may have kept compiled.
		expect(await rejection(() => sqlite.run("PRAGMA foreign_keys = OFF"))).toMatchObject({ code: "ERR_SQL_FORBIDDEN" });
		const next = await sqlite.reserve();
		for (const [name, value] of [
			["foreign_keys", 1],
			["recursive_triggers", 0],
			["ignore_check_constraints", 0],
		]) {
			expect(await next.get(`PRAGMA ${name}`)).toEqual({ [name]: value });
		}
		await next.release();
	});

	test("defer_foreign_keys is accepted in a transaction", async () => {
		const { sqlite } = await storeWithRows(1);
		await sqlite.exec("CREATE TABLE child (t INTEGER REFERENCES t (id))");
		await sqlite.transaction(async (tx) => {
			await tx.run("PRAGMA defer_foreign_keys = ON");
			await tx.run("INSERT INTO child VALUES (5)");
			await tx.run("INSERT INTO t (id) VALUES (5)");
		});
		expect(await sqlite.all("SELECT t FROM child")).toEqual([{ t: 5 }]);
	});
});

describe("the store's own tables", () => {
	test("are not for SQL to change, and may be read", async () => {
		const { sqlite } = await storeWithRows();
		await sqlite.migrate([{ name: "1_nothing.sql", sql: "" }]);
		for (const sql of [
			"DELETE FROM __rootcellar_schema",
			"UPDATE __rootcellar_schema SET version = 9",
			'INSERT INTO "__ROOTCELLAR_migrations" VALUES (9, 9, 9, 9)',
			"INSERT INTO __rootcellar_migrations (number, name, hash, applied_at) VALUES (?, ?, ?, ?)",
			"DROP TABLE __rootcellar_schema",
			"DROP INDEX __rootcellar_kv_expires_at",
			"DROP INDEX __rootapp_kv_community_id_key_unique",
			"ALTER TABLE __rootcellar_schema RENAME TO x",
			"CREATE TABLE __rootcellar_mine (x)",
			"CREATE VIEW __rootcellar_view AS SELECT 1",
			"CREATE INDEX i ON __rootcellar_schema (version)",
			"CREATE TRIGGER r AFTER DELETE ON __rootcellar_schema BEGIN SELECT 1; END",
			"DROP TABLE __rootapp_kv",
			"ALTER TABLE __rootapp_kv ADD COLUMN x",
			"UPDATE sqlite_dbpage SET data = NULL",
		]) {
			const error = await rejection(() => sqlite.run(sql, sql.includes("?") ? [1, 2, 3, 4] : []));
			// A build without the table of pages has nothing to protect.
			const isMissing = /no such table: sqlite_dbpage/.test(error.message);
			if (!isMissing) expect(error, sql).toMatchObject({ code: "ERR_SQL_FORBIDDEN" });
		}
		await sqlite.exec("CREATE TRIGGER sly AFTER INSERT ON t BEGIN DELETE FROM __rootcellar_schema; END");
		expect(await rejection(() => sqlite.run("INSERT INTO t (a) VALUES ('x')"))).toMatchObject({
			code: "ERR_SQL_FORBIDDEN",
		});
		expect(await sqlite.get("SELECT version FROM __rootcellar_schema")).toEqual({ version: 1 });
	});

	test("the rows of the key-value store may be written", async () => {
		const { sqlite, appData } = await storeWithRows();
		await appData.set({ key: "k", value: 1 });
		await sqlite.run("UPDATE __rootapp_kv SET value = ? WHERE key = ?", ["2", "k"]);
		expect(await appData.get("k")).toBe(2);
	});
});

describe("transaction control", () => {
	test("by one statement on the store is refused, also when a reserved connection has run it before", async () => {
		const { sqlite } = await storeWithRows();
		const connection = await sqlite.reserve();
		for (const sql of ["BEGIN", "SAVEPOINT s", "RELEASE s", "COMMIT"]) await connection.run(sql);
		await connection.release();
		for (const sql of [
			"BEGIN",
			"BEGIN IMMEDIATE",
			"COMMIT",
			"END",
			"ROLLBACK",
			"SAVEPOINT s",
			"RELEASE s",
			"ROLLBACK TO s",
		]) {
			for (const call of [
				sqlite.run,
				sqlite.all,
				(text) => sqlite.batch([{ sql: text }]),
				(text) => sqlite.iterate(text).next(),
			]) {
				const error = await rejection(() => call(sql));
				expect(["ERR_SQL_FORBIDDEN", "ERR_NOT_A_READ"], sql).toContain(error.code);
			}
		}
		await sqlite.run("INSERT INTO t (a) VALUES ('x')");
		expect(await valuesOf(sqlite)).toEqual(["x"]);
	});

	test("within transaction() is refused, but for savepoints of other names than the store's", async () => {
		const { sqlite } = await storeWithRows();
		await sqlite.transaction(async (tx) => {
			for (const sql of ["BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT __rootcellar_1"]) {
				expect(await rejection(() => tx.run(sql))).toMatchObject({ code: "ERR_SQL_FORBIDDEN" });
				expect(await rejection(() => tx.exec(`SELECT 1; ${sql}`))).toMatchObject({ code: "ERR_SQL_FORBIDDEN" });
			}
			await tx.run("INSERT INTO t (a) VALUES ('kept')");
			await tx.run("SAVEPOINT mine");
			await tx.run("INSERT INTO t (a) VALUES ('gone')");
			await tx.run("ROLLBACK TO mine");
			await tx.run("RELEASE mine");
		});
		expect(await valuesOf(sqlite)).toEqual(["kept"]);
	});
});

describe("temporary tables", () => {
	test("are for transactions and reserved connections, and end with them", async () => {
		const { sqlite } = await storeWithRows();
		for (const sql of ["CREATE TEMP TABLE x (a)", "CREATE TEMPORARY VIEW x AS SELECT 1"]) {
			const error = await rejection(() => sqlite.run(sql));
			expect(error).toMatchObject({ code: "ERR_SQL_FORBIDDEN" });
			expect(error.message).toContain("transaction()");
		}
		for (let round = 0; round < 2; round++) {
			await sqlite.transaction(async (tx) => {
				await tx.run("CREATE TEMP TABLE x (a)");
				await tx.run("INSERT INTO x VALUES (1)");
				expect(await tx.all("SELECT a FROM x")).toEqual([{ a: 1 }]);
			});
			expect(await rejection(() => sqlite.all("SELECT a FROM x"))).toMatchObject({ message: /no such table: x/ });
		}
	});
});

describe("extensions", () => {
	test("cannot be loaded", async () => {
		const { sqlite } = await storeWithRows();
		expect(await rejection(() => sqlite.all("SELECT load_extension('x')"))).toMatchObject({ code: "SQLITE_ERROR" });
	});
});
