// SQL that is refused: it would end durability, spoil the backup, or take the store's own tables away.

import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { rejection } from "../../helpers/errors.mjs";
import { raw } from "../../helpers/raw.mjs";
import { temporaryDirectory, temporaryFile } from "../../helpers/store.mjs";
import { storeWithRows, valuesOf } from "../tables.mjs";

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
		const before = await sqlite.get("SELECT version FROM __rootcellar_schema");
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
		]) {
			const error = await rejection(() => sqlite.run(sql, sql.includes("?") ? [1, 2, 3, 4] : []));
			expect(error, sql).toMatchObject({ code: "ERR_SQL_FORBIDDEN" });
		}
		expect(await sqlite.get("SELECT version FROM __rootcellar_schema")).toEqual(before);
	});

	test("the rows of the key-value store may be written", async () => {
		const { sqlite, appData } = await storeWithRows();
		await appData.set({ key: "k", value: 1 });
		await sqlite.run("UPDATE __rootapp_kv SET value = ? WHERE key = ?", ["2", "k"]);
		expect(await appData.get("k")).toBe(2);
	});
});

describe("a name of the store's or the SDK's", () => {
	test("is given to nothing, in any case, quoting or schema", async () => {
		const { sqlite } = await storeWithRows();
		const connection = await sqlite.reserve();
		await connection.exec("CREATE TEMP TABLE mine (x); CREATE TABLE plain (x)");
		for (const name of [
			"__rootcellar_migrations",
			'"__RootCellar_New"',
			"__rootapp_kvx",
			"[__ROOTAPP_KV2]",
			"`__rootapp_jobs`",
		]) {
			for (const sql of [
				`CREATE TABLE ${name} (x)`,
				`CREATE TABLE IF NOT EXISTS main.${name} AS SELECT 1`,
				`CREATE TABLE temp.${name} (x)`,
				`CREATE TEMP TABLE ${name} (x)`,
				`CREATE VIEW ${name} AS SELECT 1`,
				`CREATE TEMP VIEW ${name} AS SELECT 1`,
				`CREATE VIRTUAL TABLE ${name} USING fts5(x)`,
				`CREATE VIRTUAL TABLE temp.${name} USING fts5(x)`,
				`CREATE INDEX ${name} ON plain (x)`,
				`CREATE INDEX temp.${name} ON mine (x)`,
				`CREATE TRIGGER ${name} AFTER INSERT ON plain BEGIN SELECT 1; END`,
				`CREATE TEMP TRIGGER ${name} AFTER INSERT ON plain BEGIN SELECT 1; END`,
				`ALTER TABLE plain RENAME TO ${name}`,
				`ALTER TABLE temp.mine RENAME TO ${name} -- so`,
				`alter table plain rename /* x */ to ${name};`,
			]) {
				expect(await rejection(() => connection.run(sql)), sql).toMatchObject({ code: "ERR_SQL_FORBIDDEN" });
				expect(await rejection(() => connection.exec(`SELECT 1; ${sql}`)), sql).toMatchObject({
					code: "ERR_SQL_FORBIDDEN",
				});
			}
		}
		expect(
			await connection.all("SELECT name FROM sqlite_schema WHERE name LIKE '\\_\\_rootapp%' ESCAPE '\\' ORDER BY 1"),
		).toEqual([{ name: "__rootapp_kv" }, { name: "__rootapp_kv_community_id_key_unique" }]);
		await connection.run("ALTER TABLE plain RENAME TO fine");
		await connection.release();
	});

	test("is refused by every call, and not only by the first", async () => {
		const { sqlite } = await storeWithRows();
		await sqlite.exec("CREATE TABLE plain (x)");
		const before = await sqlite.all("SELECT * FROM sqlite_schema");
		for (const sql of [
			"ALTER TABLE plain RENAME TO __rootcellar_plain",
			"CREATE TRIGGER late AFTER INSERT ON plain BEGIN DELETE FROM __rootcellar_schema; END",
		]) {
			for (let call = 0; call < 3; call++) {
				for (const run of [
					() => sqlite.run(sql),
					() => sqlite.batch([{ sql }]),
					() => sqlite.transaction((tx) => tx.run(sql)),
				]) {
					expect(await rejection(run), sql).toMatchObject({ code: "ERR_SQL_FORBIDDEN" });
				}
			}
		}
		expect(await sqlite.all("SELECT * FROM sqlite_schema")).toEqual(before);
	});

	test("is not made by the tables that a virtual table keeps its data in", async () => {
		const { sqlite } = await storeWithRows();
		await sqlite.exec("CREATE VIRTUAL TABLE words USING fts5(x); CREATE VIRTUAL TABLE places USING rtree(i, a, b)");
		const before = await sqlite.all("SELECT name FROM sqlite_schema ORDER BY name");
		for (const name of ["__rootapp", "__rootcellar", "[__RootApp]", '"__ROOTCELLAR"']) {
			for (const table of ["words", "places"]) {
				const rename = `ALTER TABLE ${table} RENAME TO ${name}`;
				for (const attempt of [() => sqlite.run(rename), () => sqlite.exec(`SELECT 1; ${rename}`)]) {
					expect(await rejection(attempt), rename).toMatchObject({ code: "ERR_SQL_FORBIDDEN" });
				}
			}
			for (const module of ["fts5(x)", "fts4(x)", "rtree(i, a, b)"]) {
				const error = await rejection(() => sqlite.run(`CREATE VIRTUAL TABLE ${name} USING ${module}`));
				expect(error, `${name} ${module}`).toMatchObject({ code: "ERR_SQL_FORBIDDEN" });
			}
		}
		expect(await sqlite.all("SELECT name FROM sqlite_schema ORDER BY name")).toEqual(before);
	});
});

describe("virtual tables", () => {
	test("of modules that reach beneath the tables are refused however they are written", async () => {
		const { sqlite } = await storeWithRows(1);
		for (const sql of [
			"CREATE VIRTUAL TABLE p USING sqlite_dbpage",
			'CREATE VIRTUAL TABLE main.p USING "SQLITE_DbPage"(main)',
			"CREATE VIRTUAL TABLE IF NOT EXISTS p USING [sqlite_dbpage]",
			"/* x */ create virtual table temp.p using sqlite_dbpage()",
			"CREATE VIRTUAL TABLE p USING csv(filename='/etc/passwd')",
			"CREATE VIRTUAL TABLE p USING zipfile('x')",
			"CREATE VIRTUAL TABLE p USING pragma_table_info",
		]) {
			await refused(sqlite, sql);
		}
		for (const sql of [
			"UPDATE sqlite_dbpage SET data = zeroblob(4096)",
			"DELETE FROM main.sqlite_dbpage",
			'INSERT INTO "SQLITE_DBPAGE" VALUES (1, zeroblob(4096))',
			"SELECT * FROM sqlite_dbpage",
			"SELECT * FROM sqlite_dbpage('main')",
			"WITH x AS (SELECT data FROM sqlite_dbpage) SELECT * FROM x",
			"SELECT * FROM bytecode('SELECT 1')",
			"SELECT * FROM sqlite_stmt",
			"SELECT * FROM fsdir('/')",
		]) {
			expect(await rejection(() => sqlite.run(sql)), sql).toMatchObject({ message: /no such table/ });
		}
		expect(await sqlite.get("PRAGMA integrity_check")).toEqual({ integrity_check: "ok" });
		expect(await valuesOf(sqlite)).toEqual(["row 1"]);
	});

	test("for text, places and lists work, and their own tables are not written behind them", async () => {
		const { sqlite } = await storeWithRows();
		await sqlite.exec(`CREATE VIRTUAL TABLE notes USING fts5(body); CREATE VIRTUAL TABLE old USING fts4(body);
			CREATE VIRTUAL TABLE places USING rtree(id, x0, x1); CREATE VIRTUAL TABLE words USING fts5vocab(notes, row)`);
		await sqlite.run("INSERT INTO notes VALUES ('a quick brown fox')");
		await sqlite.run("INSERT INTO old VALUES ('a quick brown fox')");
		await sqlite.run("INSERT INTO places VALUES (1, 2, 3)");
		expect(await sqlite.get("SELECT rowid FROM notes('quick') ORDER BY rank")).toEqual({ rowid: 1 });
		expect(await sqlite.get("SELECT count(*) AS n FROM words")).toEqual({ n: 4 });
		expect(await sqlite.get("SELECT id FROM places WHERE x0 >= 2")).toEqual({ id: 1 });
		expect(await sqlite.all("SELECT value FROM json_each('[1, 2]')")).toEqual([{ value: 1 }, { value: 2 }]);
		expect(await sqlite.all("SELECT name FROM pragma_table_info('t') LIMIT 1")).toEqual([{ name: "id" }]);
		expect(await sqlite.get("SELECT count(*) > 0 AS some FROM dbstat")).toEqual({ some: 1 });
		for (const sql of [
			"DELETE FROM notes_data",
			"INSERT INTO old_segdir VALUES (1, 2, 3, 4, 5, 6)",
			"DROP TABLE places_node",
		]) {
			expect(await rejection(() => sqlite.run(sql)), sql).toMatchObject({ name: "RootcellarError" });
		}
		await sqlite.run("INSERT INTO notes (notes) VALUES ('integrity-check')");
		await sqlite.run("ALTER TABLE notes RENAME TO texts");
		await sqlite.run("VACUUM");
		await sqlite.exec("DROP TABLE texts; DROP TABLE old; DROP TABLE places");
		expect(await sqlite.get("PRAGMA integrity_check")).toEqual({ integrity_check: "ok" });
	});

	test("that another program has made of the pages of the file cannot be used", async () => {
		const filename = temporaryFile();
		const { sqlite } = await storeWithRows(1, filename);
		await raw(
			filename,
			"PRAGMA writable_schema = ON",
			"INSERT INTO sqlite_schema VALUES ('table', 'pages', 'pages', 0, 'CREATE VIRTUAL TABLE pages USING sqlite_dbpage')",
			"PRAGMA writable_schema = RESET",
			"CREATE TABLE another (a)",
		);
		for (const sql of ["UPDATE pages SET data = zeroblob(4096)", "SELECT * FROM pages"]) {
			const error = await rejection(() => sqlite.run(sql));
			expect(error, sql).toMatchObject({ name: "RootcellarError" });
			expect(error.message).toContain("sqlite_dbpage");
		}
		expect(await valuesOf(sqlite)).toEqual(["row 1"]);
	});
});

describe("VACUUM INTO", () => {
	test("makes a new file, and nothing that the store, SQLite or backups look for", async () => {
		const folder = temporaryDirectory();
		const filename = join(folder, "bot.sqlite3");
		const { sqlite, appData } = await storeWithRows(1, filename);
		await appData.set({ key: "k", value: 1 });
		const at = (name) => join(folder, name);
		for (const name of ["bot.sqlite3.backup/ltx/0", "elsewhere/LTX/0", "bot.sqlite3.backup-state"]) {
			mkdirSync(at(name), { recursive: true });
		}
		writeFileSync(at("empty"), "");
		writeFileSync(at("bot.sqlite3.backup-state/state"), "");
		symlinkSync(at("elsewhere/LTX"), at("link"));
		symlinkSync(at("nowhere"), at("dangling"));
		const entries = () => readdirSync(folder, { recursive: true }).sort();
		const before = entries();
		for (const name of [
			"empty",
			"bot.sqlite3",
			"bot.sqlite3-wal",
			"bot.sqlite3-journal",
			"Bot.sqlite3.restoring",
			"other.sqlite3-wal",
			"bot.sqlite3.backup/ltx/0/0000000000000001-0000000000000001.ltx",
			"bot.sqlite3.backup/copy",
			"bot.sqlite3.backup-state/state",
			"bot.sqlite3.backup-state/new",
			"elsewhere/LTX/0/copy",
			"elsewhere/../elsewhere/LTX/copy",
			"link/copy",
			"dangling",
		]) {
			for (const call of [
				() => sqlite.run("VACUUM INTO ?", [at(name)]),
				() => sqlite.exec(`VACUUM main INTO '${at(name)}'`),
				() => sqlite.exec(`SELECT 1; vacuum into 'file:' || '${at(name)}'`),
			]) {
				expect(await rejection(call), name).toMatchObject({ code: "ERR_SQL_FORBIDDEN" });
			}
		}
		expect(entries()).toEqual(before);
		await sqlite.run("VACUUM INTO ?", [at("copy.sqlite3")]);
		expect(await raw(at("copy.sqlite3"), "SELECT a FROM t")).toEqual([{ a: "row 1" }]);
		expect(await rejection(() => sqlite.run("VACUUM INTO ?", [at("copy.sqlite3")]))).toMatchObject({
			code: "ERR_SQL_FORBIDDEN",
		});
		await sqlite.run("VACUUM");
		expect(await appData.get("k")).toBe(1);
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
			for (const sql of [
				"BEGIN",
				"COMMIT",
				"ROLLBACK",
				"SAVEPOINT __rootcellar_1",
				'RELEASE "__RootCellar_1"',
				"ROLLBACK TO __ROOTCELLAR",
			]) {
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
		for (const sql of [
			"CREATE TEMP TABLE x (a)",
			"CREATE TABLE temp.x (a)",
			"CREATE TEMPORARY VIEW x AS SELECT 1",
			"CREATE VIRTUAL TABLE temp.x USING fts5(a)",
			"CREATE TEMP TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END",
		]) {
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

	test("end with a transaction whatever they refer to, which commits", async () => {
		const { sqlite } = await storeWithRows();
		for (let round = 0; round < 3; round++) {
			await sqlite.transaction(async (tx) => {
				await tx.exec(`CREATE TEMP TABLE parent (id INTEGER PRIMARY KEY, child REFERENCES child (id));
					CREATE TEMP TABLE child (id INTEGER PRIMARY KEY, parent REFERENCES parent (id));
					CREATE TEMP VIEW both AS SELECT parent.id FROM parent JOIN child ON child.parent = parent.id;
					CREATE TEMP TRIGGER no BEFORE DELETE ON child BEGIN SELECT RAISE(ABORT, 'no'); END;
					CREATE VIRTUAL TABLE temp.words USING fts5(word);
					CREATE TEMP TRIGGER log AFTER INSERT ON t BEGIN INSERT INTO words VALUES (new.a); END;
					INSERT INTO parent VALUES (1, NULL); INSERT INTO child VALUES (1, 1); UPDATE parent SET child = 1`);
				await tx.run("INSERT INTO t (a) VALUES (?)", [`round ${round}`]);
			});
			const left = await sqlite.transaction((tx) => tx.all("SELECT name FROM temp.sqlite_schema"));
			expect(left).toEqual([]);
		}
		expect(await valuesOf(sqlite)).toEqual(["round 0", "round 1", "round 2"]);
		const connection = await sqlite.reserve();
		await connection.exec("CREATE TEMP TABLE a (x PRIMARY KEY); CREATE TEMP TABLE b (x REFERENCES a)");
		await connection.exec("INSERT INTO a VALUES (1); INSERT INTO b VALUES (1)");
		await connection.release();
		await sqlite.transaction((tx) => tx.run("INSERT INTO t (a) VALUES ('last')"));
		expect(await valuesOf(sqlite)).toHaveLength(4);
	});
});

describe("extensions", () => {
	test("cannot be loaded", async () => {
		const { sqlite } = await storeWithRows();
		expect(await rejection(() => sqlite.all("SELECT load_extension('x')"))).toMatchObject({ code: "SQLITE_ERROR" });
	});

	test("and functions that read or write memory or files are not there", async () => {
		const { sqlite } = await storeWithRows();
		expect(await rejection(() => sqlite.all("SELECT fts3_tokenizer(?)", ["simple"]))).toMatchObject({
			code: "ERR_SQL_FORBIDDEN",
		});
		const bytes = new Uint8Array(8);
		expect(await rejection(() => sqlite.all('SELECT "FTS3_Tokenizer"(?, ?)', ["simple", bytes]))).toMatchObject({
			code: "ERR_SQL_FORBIDDEN",
		});
		for (const sql of ["SELECT __rootcellar_keys(a) FROM t", 'SELECT "__ROOTCELLAR_Keys"(a) OVER () FROM t']) {
			const refused = await rejection(() => sqlite.all(sql));
			expect(refused, sql).toMatchObject({ code: expect.stringMatching(/^(?:ERR_SQL_FORBIDDEN|SQLITE_ERROR)$/) });
		}
		for (const name of ["writefile", "readfile", "edit", "lsmode", "__rootcellar_like"]) {
			const error = await rejection(() => sqlite.all(`SELECT ${name}('a', 'b')`));
			expect(error, name).toMatchObject({ message: expect.stringContaining(`no such function: ${name}`) });
			expect(await rejection(() => sqlite.run(`CREATE INDEX i ON t (${name}(a, 'b'))`))).toMatchObject({
				name: "RootcellarError",
			});
		}
	});
});
