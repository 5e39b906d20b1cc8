// run, get, all, exec, batch, prepare and the template: what they return, what values become.

import BetterSqlite3 from "better-sqlite3";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyCharacter } from "../helpers/characters.mjs";
import { expectInvalidArgument, rejection } from "../helpers/errors.mjs";
import { temporaryFile, temporaryStore } from "../helpers/store.mjs";
import { storeWithRows, valuesOf } from "./tables.mjs";

describe("run", () => {
	test("tells how many rows changed and the last row id, under both of its names", async () => {
		const { sqlite } = await storeWithRows();
		expect(await sqlite.run("INSERT INTO t (a) VALUES ('x'), ('y')")).toEqual({
			changes: 2,
			lastInsertRowid: 2,
			lastID: 2,
		});
		expect(await sqlite.run("UPDATE t SET b = 1")).toEqual({ changes: 2, lastInsertRowid: 0, lastID: 0 });
		expect(await sqlite.run("DELETE FROM t WHERE a = 'none'")).toMatchObject({ changes: 0 });
	});

	test("counts nothing for a statement that changes no rows, whatever ran before it", async () => {
		const { sqlite } = await storeWithRows(3);
		const [, created] = await Promise.all([sqlite.run("DELETE FROM t"), sqlite.run("CREATE TABLE u (x)")]);
		expect(created).toEqual({ changes: 0, lastInsertRowid: 0, lastID: 0 });
	});

	test("keeps the row ids of its neighbours apart", async () => {
		const { sqlite, appData } = await storeWithRows();
		const results = await Promise.all([
			sqlite.run("INSERT INTO t (id) VALUES (10)"),
			appData.set({ key: "k", value: 1 }),
			sqlite.run("INSERT INTO t (id) VALUES (20)"),
			sqlite.run("UPDATE t SET b = 1 WHERE id = 10"),
		]);
		expect(results.map((result) => result?.lastInsertRowid)).toEqual([10, undefined, 20, 0]);
	});

	test("gives a row id that no number holds as a bigint, and NaN as lastID", async () => {
		const { sqlite } = await storeWithRows();
		const result = await sqlite.run("INSERT INTO t (id) VALUES (?)", [2n ** 60n]);
		expect(result).toEqual({ changes: 1, lastInsertRowid: 2n ** 60n, lastID: Number.NaN });
		const asked = await sqlite.run("INSERT INTO t (id) VALUES (7)", [], { bigint: true });
		expect(asked).toEqual({ changes: 1, lastInsertRowid: 7n, lastID: 7 });
	});

	test("runs a statement that reads, and drops its rows", async () => {
		const { sqlite } = await storeWithRows(2);
		expect(await sqlite.run("SELECT * FROM t")).toEqual({ changes: 0, lastInsertRowid: 0, lastID: 0 });
	});

	test("foreign keys are enforced", async () => {
		const { sqlite } = await storeWithRows(1);
		await sqlite.exec("CREATE TABLE child (t INTEGER REFERENCES t (id) ON DELETE CASCADE)");
		await sqlite.run("INSERT INTO child VALUES (1)");
		await expect(sqlite.run("INSERT INTO child VALUES (2)")).rejects.toMatchObject({
			code: "SQLITE_CONSTRAINT_FOREIGNKEY",
		});
		await sqlite.run("DELETE FROM t");
		expect(await sqlite.all("SELECT * FROM child")).toEqual([]);
	});
});

describe("get and all", () => {
	test("give rows as objects in the order of the columns, and undefined or [] where there is none", async () => {
		const { sqlite } = await storeWithRows(2);
		expect(await sqlite.get("SELECT b, a FROM t")).toEqual({ a: "row 1", b: 1 });
		expect(Object.keys(await sqlite.get("SELECT b, a FROM t"))).toEqual(["b", "a"]);
		expect(await sqlite.get("SELECT * FROM t WHERE id = 9")).toBeUndefined();
		expect(await sqlite.all("SELECT * FROM t WHERE id = 9")).toEqual([]);
		expect(await sqlite.all("SELECT id FROM t")).toEqual([{ id: 1 }, { id: 2 }]);
	});

	test("give rows as arrays where rowMode asks for it, columns of one name included", async () => {
		const { sqlite } = await storeWithRows(1);
		const sql = "SELECT id, a AS id, x'01' AS id FROM t";
		expect(await sqlite.all(sql, [], { rowMode: "array" })).toEqual([[1, "row 1", new Uint8Array([1])]]);
		expect(await sqlite.get(sql)).toEqual({ id: new Uint8Array([1]) });
	});

	test("columns may have any name", async () => {
		const { sqlite } = temporaryStore();
		const row = await sqlite.get(`SELECT x'02' AS "__proto__", 1 AS "0", x'03' AS "a""b", 2e999 AS "tab\t:"`);
		expect(Object.entries(row).sort()).toEqual([
			["0", 1],
			["__proto__", new Uint8Array([2])],
			['a"b', new Uint8Array([3])],
			["tab\t:", Infinity],
		]);
		expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
	});

	test("see columns that were added since the statement was last run", async () => {
		const { sqlite } = await storeWithRows(1);
		expect(Object.keys(await sqlite.get("SELECT * FROM t"))).toEqual(["id", "a", "b"]);
		await sqlite.exec("ALTER TABLE t ADD COLUMN c DEFAULT 5");
		expect(await sqlite.get("SELECT * FROM t")).toEqual({ id: 1, a: "row 1", b: 1, c: 5 });
	});

	test("take statements that write and return rows, in every row, also where only the first is wanted", async () => {
		const { sqlite } = await storeWithRows();
		const rows = await sqlite.all("INSERT INTO t (a) VALUES ('x'), ('y') RETURNING id, a");
		expect(rows).toEqual([
			{ id: 1, a: "x" },
			{ id: 2, a: "y" },
		]);
		expect(await sqlite.get("UPDATE t SET b = id RETURNING b")).toEqual({ b: 1 });
		expect(await sqlite.all("SELECT b FROM t")).toEqual([{ b: 1 }, { b: 2 }]);
		const upsert = "WITH new(a) AS (VALUES ('x')) INSERT INTO t (a) SELECT a FROM new WHERE true ";
		expect(await sqlite.all(`${upsert} ON CONFLICT (a) DO UPDATE SET b = 9 RETURNING id, b`)).toEqual([
			{ id: 1, b: 9 },
		]);
	});

	test("hold texts of many megabytes, whatever quotes they have", async () => {
		const { sqlite } = await storeWithRows();
		const long = `'${"x".repeat(6e6)}''${"y".repeat(6e6)}'`;
		const read = `WITH long(t) AS (SELECT ${long}) SELECT length(t) AS n, t GLOB 'x*''*y' AS same FROM long`;
		expect(await sqlite.get(read)).toEqual({ n: 12_000_001, same: 1 });
		await sqlite.all(`WITH long(t) AS (SELECT ${long}) INSERT INTO t (a) SELECT t FROM long RETURNING id`);
		expect(await sqlite.get("SELECT length(a) AS n FROM t")).toEqual({ n: 12_000_001 });
	});

	test("read pragmas, explain, and values", async () => {
		const { sqlite } = await storeWithRows();
		expect(await sqlite.all("PRAGMA table_info(t)")).toHaveLength(3);
		expect(await sqlite.get("/* c */ PRAGMA foreign_keys")).toEqual({ foreign_keys: 1 });
		expect((await sqlite.all("EXPLAIN QUERY PLAN SELECT * FROM t")).length).toBeGreaterThan(0);
		expect(await sqlite.all("VALUES (1), (2)", [], { rowMode: "array" })).toEqual([[1], [2]]);
	});

	test("every call gives rows of its own", async () => {
		const { sqlite } = await storeWithRows(1);
		const [one, other] = await Promise.all([sqlite.all("SELECT * FROM t"), sqlite.all("SELECT * FROM t")]);
		one[0].a = "changed";
		expect(other[0].a).toBe("row 1");
	});

	test("10,000 rows arrive whole and in order", async () => {
		const { sqlite } = await storeWithRows(10_000);
		const rows = await sqlite.all("SELECT id, a FROM t ORDER BY id");
		expect(rows).toHaveLength(10_000);
		expect(rows.every(({ id, a }, index) => id === index + 1 && a === `row ${id}`)).toBe(true);
	});
});

describe("values", () => {
	/** The value that comes back for `value`, and its SQLite type. */
	async function roundTrip(sqlite, value, options) {
		const [[back, type]] = await sqlite.all("SELECT ?1, typeof(?1)", [value], { rowMode: "array", ...options });
		return [back, type];
	}

	test("come back as what they were, with the type that SQLite should see", async () => {
		const { sqlite } = temporaryStore();
		const date = new Date(1_700_000_000_123);
		for (const [value, back, type] of [
			[null, null, "null"],
			[1, 1, "integer"],
			[-1.5, -1.5, "real"],
			[1e300, 1e300, "real"],
			[-0, -0, "real"],
			[Infinity, Infinity, "real"],
			[-Infinity, -Infinity, "real"],
			[Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, "integer"],
			[2 ** 60, 2 ** 60, "real"],
			[12n, 12, "integer"],
			[true, 1, "integer"],
			[false, 0, "integer"],
			["", "", "text"],
			['a\0b\u{1f600}\n"\\\u2028', 'a\0b\u{1f600}\n"\\\u2028', "text"],
			[date, date.getTime(), "integer"],
			[new Uint8Array([0, 255]), new Uint8Array([0, 255]), "blob"],
			[Buffer.from("ab"), new Uint8Array([97, 98]), "blob"],
			[new Uint8Array(0), new Uint8Array(0), "blob"],
		]) {
			expect(await roundTrip(sqlite, value)).toEqual([back, type]);
		}
	});

	test("are those of the moment of the call", async () => {
		const { sqlite } = await storeWithRows();
		const bytes = new Uint8Array([1, 2]);
		const params = ["x", bytes];
		const written = sqlite.run("INSERT INTO t (a, b) VALUES (?, ?)", params);
		bytes[0] = 9;
		params[0] = "changed";
		await written;
		expect(await sqlite.get("SELECT a, b FROM t")).toEqual({ a: "x", b: new Uint8Array([1, 2]) });
	});

	test("whose bytes are gone, or whose properties cannot be read, are named, and nothing is written", async () => {
		const { sqlite } = temporaryStore(temporaryFile());
		await sqlite.exec("CREATE TABLE bytes (a)");
		const detached = (make) => {
			const buffer = new ArrayBuffer(8);
			const view = make(buffer);
			structuredClone(buffer, { transfer: [buffer] });
			return view;
		};
		const gone = [detached((buffer) => new Uint8Array(buffer)), detached((buffer) => Buffer.from(buffer))];
		if ("resize" in ArrayBuffer.prototype) {
			const cut = new ArrayBuffer(8, { maxByteLength: 16 });
			gone.push(new Uint8Array(cut, 4, 4));
			cut.resize(2);
		}
		const INSERT = "INSERT INTO bytes VALUES (?)";
		for (const bytes of gone) {
			for (const [operation, argument] of [
				[() => sqlite.run(INSERT, bytes), "params"],
				[() => sqlite.run(INSERT, [bytes]), "params[0]"],
				[() => sqlite.run("INSERT INTO bytes VALUES (:a)", { a: bytes }), "params.a"],
				[() => sqlite.all("SELECT ?", [bytes]), "params[0]"],
				[
					() =>
						sqlite.batch([
							{ sql: INSERT, params: [1] },
							{ sql: INSERT, params: [bytes] },
						]),
					"statements[1].params[0]",
				],
				[() => sqlite.sql`SELECT ${bytes}`, "params[0]"],
				[async () => (await sqlite.prepare(INSERT)).run([bytes]), "params[0]"],
				[async () => sqlite.iterate("SELECT ?", [bytes]).next(), "params[0]"],
				[() => sqlite.transaction((tx) => tx.run(INSERT, [bytes])), "params[0]"],
			]) {
				expect(await rejection(operation)).toMatchObject({ name: "TypeError", code: "ERR_INVALID_ARGUMENT", argument });
			}
		}
		const throwing = new Proxy([1], {
			get() {
				throw new Error("no");
			},
		});
		const others = [
			new ArrayBuffer(8),
			new SharedArrayBuffer(8),
			new DataView(new ArrayBuffer(8)),
			new Float64Array(1),
		];
		for (const value of [
			...others,
			new Map([["a", 1]]),
			new Set([1]),
			/a/,
			new String("a"),
			Promise.resolve(1),
			throwing,
		]) {
			expect(await rejection(() => sqlite.run(INSERT, value))).toMatchObject({
				code: "ERR_INVALID_ARGUMENT",
				argument: "params",
			});
		}
		expect(await sqlite.all("SELECT * FROM bytes")).toEqual([]);
	});

	test("of a subclass of Uint8Array are its bytes, whatever it makes of copies", async () => {
		const { sqlite } = temporaryStore(temporaryFile());
		class Odd extends Uint8Array {
			static get [Symbol.species]() {
				throw new Error("no copies");
			}
		}
		const { bytes } = await sqlite.get("SELECT ? AS bytes", [Odd.of(1, 2, 3)]);
		expect(bytes).toEqual(Uint8Array.of(1, 2, 3));
	});

	test("are bound by name with or without the sign, and by place also where parameters have names", async () => {
		const { sqlite } = temporaryStore();
		const sql = "SELECT :a AS a, @b AS b, $c AS c, :a AS again";
		const expected = { a: 1, b: 2, c: 3, again: 1 };
		expect(await sqlite.get(sql, { a: 1, b: 2, c: 3 })).toEqual(expected);
		expect(await sqlite.get(sql, { ":a": 1, "@b": 2, $c: 3 })).toEqual(expected);
		expect(await sqlite.get(sql, [1, 2, 3])).toEqual(expected);
		expect(await sqlite.get("SELECT ?2 AS x, ?1 AS y", ["y", "x"])).toEqual({ x: "x", y: "y" });
	});

	test("a single value needs no array", async () => {
		const { sqlite } = temporaryStore();
		for (const value of [null, 5, "x"]) expect(await sqlite.get("SELECT ? AS v", value)).toEqual({ v: value });
		expect(await sqlite.get("SELECT ? AS v", new Uint8Array([7]))).toEqual({ v: new Uint8Array([7]) });
		expect(await sqlite.get("SELECT ? AS v", new Date(5))).toEqual({ v: 5 });
	});

	test("an integer that no number holds is a RangeError, and a bigint where it is asked for, never rounded", async () => {
		const { sqlite } = temporaryStore();
		const sql = "SELECT 9007199254740993 AS n";
		const error = await sqlite.get(sql).catch((reason) => reason);
		expect(error).toBeInstanceOf(RangeError);
		expect(error).toMatchObject({ code: "ERR_INEXACT_INTEGER" });
		expect(error.message).not.toContain("9007199254740993");
		expect(await sqlite.get(sql, [], { bigint: true })).toEqual({ n: 9007199254740993n });
		expect(await sqlite.get("SELECT -9223372036854775808 AS n, 1 AS one", [], { bigint: true })).toEqual({
			n: -(2n ** 63n),
			one: 1n,
		});
	});

	test("a statement that wrote rows it cannot give back has written nothing", async () => {
		const { sqlite } = await storeWithRows();
		await expect(sqlite.all("INSERT INTO t (a, b) VALUES ('x', 9007199254740993) RETURNING b")).rejects.toMatchObject({
			code: "ERR_INEXACT_INTEGER",
		});
		expect(await valuesOf(sqlite)).toEqual([]);
	});

	test("text that is no UTF-8, which others may have stored, is read with replacement characters", async () => {
		const { sqlite } = temporaryStore();
		expect(await sqlite.get("SELECT CAST(x'61ff62' AS TEXT) AS v")).toEqual({ v: "a\ufffdb" });
	});

	test("whatever is stored is read as better-sqlite3 reads it", async () => {
		const filename = temporaryFile();
		const store = await storeWithRows(0, filename);
		const other = new BetterSqlite3(filename);
		const value = fc.oneof(
			fc.constant(null),
			fc.double({ noNaN: true }),
			fc.maxSafeInteger(),
			fc.string({ unit: anyCharacter }),
			fc.uint8Array({ maxLength: 20 }),
		);
		await fc.assert(
			fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 8 }), async (values) => {
				await store.sqlite.exec("DELETE FROM t");
				await store.sqlite.batch(values.map((b) => ({ sql: "INSERT INTO t (b) VALUES (?)", params: [b] })));
				const ours = await store.sqlite.all("SELECT b, typeof(b) AS type FROM t ORDER BY id");
				const theirs = other.prepare("SELECT b, typeof(b) AS type FROM t ORDER BY id").all();
				expect(ours).toEqual(theirs.map(({ b, type }) => ({ b: Buffer.isBuffer(b) ? new Uint8Array(b) : b, type })));
			}),
			{ numRuns: 100 },
		);
		other.close();
	});
});

describe("the template", () => {
	test("makes a parameter of each value, and gives the rows", async () => {
		const { sqlite } = await storeWithRows(3);
		const name = "row 2'; DROP TABLE t; --";
		expect(await sqlite.sql`SELECT id FROM t WHERE a = ${name}`).toEqual([]);
		expect(await sqlite.sql`SELECT id FROM t WHERE a = ${"row 2"} OR id = ${3}`).toEqual([{ id: 2 }, { id: 3 }]);
		expect(await sqlite.sql`SELECT count(*) AS n FROM t`).toEqual([{ n: 3 }]);
	});

	test("with an escape that JavaScript does not know is refused, as a part of it would be missing", async () => {
		const { sqlite } = await storeWithRows(3);
		for (const broken of [
			() => sqlite.sql`DELETE FROM t WHERE id > ${0} AND a = 'C:\users'`,
			() => sqlite.sql`DELETE FROM t WHERE a = '\x' OR id > ${0}`,
			() => sqlite.sql`\1`,
		]) {
			await expectInvalidArgument(broken, "strings");
		}
		expect(await sqlite.sql`SELECT count(*) AS n FROM t`).toEqual([{ n: 3 }]);
		expect(await sqlite.sql`SELECT ${"a"} || 'C:\\users' AS path`).toEqual([{ path: "aC:\\users" }]);
	});

	test("takes statements that write, with and without rows", async () => {
		const { sqlite } = await storeWithRows();
		expect(await sqlite.sql`INSERT INTO t (a) VALUES (${"x"})`).toEqual([]);
		expect(await sqlite.sql`INSERT INTO t (a) VALUES (${"y"}) RETURNING id`).toEqual([{ id: 2 }]);
	});
});

describe("exec", () => {
	test("runs every statement of a script, triggers with their semicolons included", async () => {
		const { sqlite } = await storeWithRows();
		await sqlite.exec(`
			CREATE TABLE log (text); -- a comment; with a semicolon
			CREATE TRIGGER logged AFTER INSERT ON t BEGIN
				INSERT INTO log VALUES ('first; ' || NEW.a);
				INSERT INTO log VALUES ('second');
			END;
			INSERT INTO t (a) VALUES ('x');;
		`);
		expect(await sqlite.all("SELECT text FROM log")).toEqual([{ text: "first; x" }, { text: "second" }]);
		await sqlite.exec("");
		await sqlite.exec(" -- nothing\n");
	});

	test("does nothing of a script that fails", async () => {
		const { sqlite } = await storeWithRows(1);
		const script = "INSERT INTO t (a) VALUES ('x'); CREATE TABLE u (x); INSERT INTO t (a) VALUES ('row 1')";
		await expect(sqlite.exec(script)).rejects.toMatchObject({ code: "SQLITE_CONSTRAINT_UNIQUE" });
		expect(await valuesOf(sqlite)).toEqual(["row 1"]);
		expect(await sqlite.all("SELECT name FROM sqlite_schema WHERE name = 'u'")).toEqual([]);
	});

	test("runs a script that has transactions of its own, and rolls back what it leaves open", async () => {
		const { sqlite } = await storeWithRows();
		await sqlite.exec(
			"BEGIN; INSERT INTO t (a) VALUES ('kept'); COMMIT; BEGIN; INSERT INTO t (a) VALUES ('gone'); ROLLBACK",
		);
		const open = sqlite.exec("INSERT INTO t (a) VALUES ('also kept'); BEGIN; INSERT INTO t (a) VALUES ('open')");
		await expect(open).rejects.toMatchObject({ code: "ERR_TRANSACTION_LEFT_OPEN" });
		expect(await valuesOf(sqlite)).toEqual(["kept", "also kept"]);
	});

	test("resets what a script has set on the connection", async () => {
		const { sqlite } = await storeWithRows();
		await sqlite.exec(
			"PRAGMA foreign_keys = OFF; CREATE TABLE child (t REFERENCES t (id)); INSERT INTO child VALUES (1)",
		);
		await expect(sqlite.run("INSERT INTO child VALUES (2)")).rejects.toMatchObject({
			code: "SQLITE_CONSTRAINT_FOREIGNKEY",
		});
	});

	test("VACUUM and a checkpoint run, by exec and by run", async () => {
		const { sqlite } = await storeWithRows(10);
		await sqlite.run("VACUUM");
		await sqlite.exec("DELETE FROM t; VACUUM; ANALYZE; PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE)");
		expect(await sqlite.all("PRAGMA integrity_check")).toEqual([{ integrity_check: "ok" }]);
	});
});

describe("batch", () => {
	test("gives what each statement did, its columns and its rows", async () => {
		const { sqlite } = await storeWithRows();
		const results = await sqlite.batch([
			{ sql: "INSERT INTO t (a) VALUES (?)", params: ["x"] },
			{ sql: "INSERT INTO t (a) VALUES (:a) RETURNING id", params: { a: "y" } },
			{ sql: "SELECT a FROM t WHERE false" },
		]);
		expect(results).toEqual([
			{ changes: 1, lastInsertRowid: 1, lastID: 1, columns: [], rows: [] },
			{ changes: 1, lastInsertRowid: 2, lastID: 2, columns: ["id"], rows: [{ id: 2 }] },
			{ changes: 0, lastInsertRowid: 0, lastID: 0, columns: ["a"], rows: [] },
		]);
		expect(await sqlite.batch([])).toEqual([]);
		const [{ rows }] = await sqlite.batch([{ sql: "SELECT a, id FROM t" }], { rowMode: "array" });
		expect(rows).toEqual([
			["x", 1],
			["y", 2],
		]);
	});

	test("is one transaction: nothing of it stays when a statement fails", async () => {
		const { sqlite } = await storeWithRows(1);
		const batch = sqlite.batch([
			{ sql: "INSERT INTO t (a) VALUES ('x')" },
			{ sql: "INSERT INTO t (a) VALUES ('row 1')" },
			{ sql: "INSERT INTO t (a) VALUES ('y')" },
		]);
		await expect(batch).rejects.toMatchObject({ code: "SQLITE_CONSTRAINT_UNIQUE" });
		expect(await valuesOf(sqlite)).toEqual(["row 1"]);
	});
});

describe("prepare", () => {
	test("checks the statement, and tells its columns and whether it only reads", async () => {
		const { sqlite } = await storeWithRows();
		const read = await sqlite.prepare("SELECT id, a AS b FROM t WHERE id = ?");
		expect(read).toMatchObject({ sql: "SELECT id, a AS b FROM t WHERE id = ?", columns: ["id", "b"], readonly: true });
		const write = await sqlite.prepare("INSERT INTO t (a) VALUES (?) RETURNING id");
		expect(write).toMatchObject({ columns: ["id"], readonly: false });
		await expect(sqlite.prepare("SELECT nothing FROM t")).rejects.toMatchObject({ code: "SQLITE_ERROR", position: 7 });
	});

	test("sees what was issued before it", async () => {
		const { sqlite } = temporaryStore();
		const created = sqlite.exec("CREATE TABLE late (x)");
		expect((await sqlite.prepare("SELECT * FROM late")).columns).toEqual(["x"]);
		await created;
	});

	test("gives a statement that runs until it is finalized, and then rejects by name", async () => {
		const { sqlite } = await storeWithRows();
		const insert = await sqlite.prepare("INSERT INTO t (a) VALUES (?)");
		const select = await sqlite.prepare("SELECT a FROM t WHERE id >= ? ORDER BY id");
		await Promise.all(["x", "y", "z"].map((a) => insert.run(a)));
		expect(await select.get(2)).toEqual({ a: "y" });
		expect(await select.all([2])).toEqual([{ a: "y" }, { a: "z" }]);
		const seen = [];
		for await (const { a } of select.iterate([1])) seen.push(a);
		expect(seen).toEqual(["x", "y", "z"]);
		await select.finalize();
		await select.finalize();
		for (const call of [
			() => select.get(1),
			() => select.all(1),
			() => select.run(1),
			() => select.iterate(1).next(),
		]) {
			await expect(call()).rejects.toMatchObject({ code: "ERR_STATEMENT_FINALIZED" });
		}
		expect(await insert.run("still")).toMatchObject({ changes: 1 });
	});
});
