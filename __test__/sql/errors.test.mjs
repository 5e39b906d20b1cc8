// Bad input: each mistake is an error of its own, which says where and what to do, and never what was stored.

import { RootcellarError } from "rootcellar";
import { describe, expect, test } from "vitest";
import { expectArgumentError, expectNoSecret, rejection, SECRET } from "../helpers/errors.mjs";
import { temporaryStore } from "../helpers/store.mjs";
import { storeWithRows, valuesOf } from "./tables.mjs";

/** Every method that takes a statement, as a call with `sql` and `params`. */
const METHODS = {
	run: (sqlite, sql, params) => sqlite.run(sql, params),
	get: (sqlite, sql, params) => sqlite.get(sql, params),
	all: (sqlite, sql, params) => sqlite.all(sql, params),
	iterate: async (sqlite, sql, params) => Array.fromAsync(sqlite.iterate(sql, params)),
	batch: (sqlite, sql, params) => sqlite.batch([{ sql, params }]),
};
if (!Array.fromAsync) {
	METHODS.iterate = async (sqlite, sql, params) => {
		const rows = [];
		for await (const row of sqlite.iterate(sql, params)) rows.push(row);
		return rows;
	};
}

/** Calls every method, and `check`s how it rejects. */
async function everyMethod(sqlite, sql, params, check) {
	for (const [name, method] of Object.entries(METHODS)) {
		check(await rejection(() => method(sqlite, sql, params)), name);
	}
}

describe("a syntax error", () => {
	test("points at the place, in UTF-16 units, whoever meets it", async () => {
		const { sqlite } = await storeWithRows();
		const sql = "SELECT '\u{1f600}' AS a,\n  b FORM t";
		await everyMethod(sqlite, sql, [], (error, name) => {
			expect(error, name).toBeInstanceOf(RootcellarError);
			expect(error).toMatchObject({ code: "SQLITE_ERROR", position: sql.indexOf("FORM") + "FORM ".length });
			expect(error.message).toBe('near "t": syntax error, at line 2, column 10: "t"');
		});
		const prepared = await rejection(() => sqlite.prepare(sql));
		expect(prepared).toMatchObject({ code: "SQLITE_ERROR", position: sql.indexOf(" t") + 1 });
	});

	test("counts space, comments and what stands before it in a script", async () => {
		const { sqlite } = await storeWithRows();
		const statement = "\n\n  /* c */ SELEC 1";
		expect(await rejection(() => sqlite.get(statement))).toMatchObject({ position: statement.indexOf("SELEC") });
		const script = "INSERT INTO t (a) VALUES ('\u00e9');\nINSERT INTO nowhere VALUES (1);";
		const error = await rejection(() => sqlite.exec(script));
		expect(error).toMatchObject({ code: "SQLITE_ERROR", position: script.indexOf("nowhere") });
		expect(error.message).toContain("no such table: nowhere, at line 2, column 13");
		expect(await valuesOf(sqlite)).toEqual([]);
	});

	test("at the end of a statement that is not complete is at its end", async () => {
		const { sqlite } = temporaryStore();
		const error = await rejection(() => sqlite.all("SELECT (1"));
		expect(error).toMatchObject({ code: "SQLITE_ERROR", position: 9 });
		expect(error.message).toBe("incomplete input, at the end, line 1, column 10");
	});

	test("of an unknown column or table names it and its place", async () => {
		const { sqlite } = await storeWithRows();
		expect(await rejection(() => sqlite.all("SELECT a, wrong FROM t"))).toMatchObject({ position: 10 });
		expect(await rejection(() => sqlite.all("SELECT 1 FROM wrong"))).toMatchObject({ position: 14 });
		// A name that the text has twice could be either.
		const twice = await rejection(() => sqlite.all("SELECT wrong.a FROM wrong"));
		expect(twice).toMatchObject({ code: "SQLITE_ERROR", message: "no such table: wrong" });
	});
});

describe("the text of a statement", () => {
	test("must be a string without a NUL or a lone surrogate", async () => {
		const { sqlite } = temporaryStore();
		for (const sql of [undefined, null, 5, {}, ["SELECT 1"], "SELECT 1 \0", "SELECT '\ud800'"]) {
			await everyMethod(sqlite, sql, [], (error) => expectArgumentError(error, /^(statements\[0\]\.)?sql$/));
			expectArgumentError(await rejection(() => sqlite.prepare(sql)), "sql");
			expectArgumentError(await rejection(() => sqlite.exec(sql)), "script");
		}
		expectArgumentError(await rejection(() => sqlite.sql("SELECT 1")), "strings");
	});

	test("must be one statement, not two, and not none", async () => {
		const { sqlite } = await storeWithRows();
		for (const sql of ["SELECT 1; SELECT 2", "SELECT 1; nonsense", "DELETE FROM t; DELETE FROM t", "", " ;-- none"]) {
			await everyMethod(sqlite, sql, [], (error) => expectArgumentError(error, "sql"));
		}
		expect(await sqlite.get("SELECT 1 AS one; -- and a comment")).toEqual({ one: 1 });
	});
});

describe("parameters", () => {
	test("too many and too few are a TypeError that counts them", async () => {
		const { sqlite } = temporaryStore();
		for (const [sql, params] of [
			["SELECT ?", []],
			["SELECT ?", undefined],
			["SELECT ?", [1, 2]],
			["SELECT 1", [1]],
			["SELECT 1", null],
			["SELECT ?5", [1, 2, 3, 4]],
		]) {
			await everyMethod(sqlite, sql, params, (error) => expectArgumentError(error, "params"));
		}
	});

	test("missing and unknown names are a TypeError that names them", async () => {
		const { sqlite } = temporaryStore();
		const missing = await rejection(() => sqlite.get("SELECT :name, :other", { other: SECRET }));
		expectArgumentError(missing, "params");
		expect(missing.message).toContain(":name");
		const unknown = await rejection(() => sqlite.get("SELECT :name", { name: SECRET, nmae: SECRET }));
		expectArgumentError(unknown, "params");
		expect(unknown.message).toContain('"nmae"');
		expectArgumentError(await rejection(() => sqlite.get("SELECT ?", { a: 1 })), "params");
		expectArgumentError(await rejection(() => sqlite.get("SELECT :a", {})), "params");
	});

	test("of a type that cannot be stored are a TypeError that names their place", async () => {
		const { sqlite } = temporaryStore();
		for (const value of [
			undefined,
			{},
			[],
			Symbol("s"),
			() => 1,
			NaN,
			new Date(NaN),
			new Map(),
			"\ud800",
			new Float64Array(1),
		]) {
			await everyMethod(sqlite, "SELECT ?, ?", ["x", value], (error) => {
				expectArgumentError(error, /^(statements\[0\]\.)?params\[1\]$/);
			});
			expectArgumentError(await rejection(() => sqlite.get("SELECT :a", { a: value })), "params.a");
		}
		const error = await rejection(() => sqlite.get("SELECT ?", [2n ** 63n]));
		expect(error).toBeInstanceOf(RangeError);
		expect(error).toMatchObject({ code: "ERR_TOO_LARGE", argument: "params[0]" });
	});

	test("an object that throws when it is read is a TypeError", async () => {
		const { sqlite } = temporaryStore();
		const hostile = new Proxy(
			{},
			{
				ownKeys: () => {
					throw new Error("hostile");
				},
			},
		);
		expectArgumentError(await rejection(() => sqlite.get("SELECT :a", hostile)), "params");
	});

	test("have no place in a script", async () => {
		const { sqlite } = temporaryStore();
		expectArgumentError(await rejection(() => sqlite.exec("SELECT ?")), "sql");
	});
});

describe("options", () => {
	test("of the wrong type are a TypeError that names them", async () => {
		const { sqlite } = temporaryStore();
		for (const [options, argument] of [
			[5, "options"],
			[null, "options"],
			[{ maxRows: -1 }, "options.maxRows"],
			[{ maxRows: 1.5 }, "options.maxRows"],
			[{ bigint: 1 }, "options.bigint"],
			[{ rowMode: "both" }, "options.rowMode"],
			[{ timeoutMs: "5" }, "options.timeoutMs"],
			[{ timeoutMs: -5 }, "options.timeoutMs"],
			[{ signal: {} }, "options.signal"],
		]) {
			expectArgumentError(await rejection(() => sqlite.all("SELECT 1", [], options)), argument);
		}
		expectArgumentError(await rejection(() => sqlite.batch("SELECT 1")), "statements");
		expectArgumentError(await rejection(() => sqlite.batch([null])), "statements[0]");
		expectArgumentError(await rejection(() => sqlite.transaction("SELECT 1")), "callback");
		expectArgumentError(await rejection(() => sqlite.transaction(() => {}, { mode: "fast" })), "options.mode");
		expectArgumentError(await rejection(() => sqlite.reserve({ idleTimeoutMs: "5" })), "options.idleTimeoutMs");
	});
});

describe("a write through a method that reads", () => {
	test("is refused, and writes nothing", async () => {
		const { sqlite } = await storeWithRows(2);
		for (const sql of ["DELETE FROM t", "WITH x AS (SELECT 1) DELETE FROM t", "CREATE TABLE u (x)", "DROP TABLE t"]) {
			for (const name of ["get", "all", "iterate"]) {
				const error = await rejection(() => METHODS[name](sqlite, sql));
				expect(error, `${name} ${sql}`).toMatchObject({ name: "RootcellarError", code: "ERR_NOT_A_READ" });
				expect(error.message).toContain("run()");
			}
		}
		expect(await valuesOf(sqlite)).toEqual(["row 1", "row 2"]);
	});

	test("is refused also where it returns rows, by iterate", async () => {
		const { sqlite } = await storeWithRows(2);
		const error = await rejection(() => METHODS.iterate(sqlite, "DELETE FROM t RETURNING id"));
		expect(error).toMatchObject({ code: "ERR_NOT_A_READ" });
		const hidden = "WITH [select] AS (SELECT 1), x(a) AS (SELECT ')') DELETE FROM t";
		expect(await rejection(() => sqlite.all(hidden))).toMatchObject({ code: "ERR_NOT_A_READ" });
		expect(await valuesOf(sqlite)).toEqual(["row 1", "row 2"]);
	});
});

describe("messages", () => {
	test("carry SQLite's extended code, and no value that was bound or stored", async () => {
		const { sqlite } = await storeWithRows();
		await sqlite.exec(
			"CREATE TABLE s (i INTEGER CHECK (i > 0), j TEXT NOT NULL) STRICT; CREATE VIRTUAL TABLE f USING fts5(x)",
		);
		await sqlite.run("INSERT INTO t (a, b) VALUES (?, ?)", [SECRET, SECRET]);
		for (const [code, sql, params] of [
			["SQLITE_CONSTRAINT_UNIQUE", "INSERT INTO t (a) VALUES (?)", [SECRET]],
			["SQLITE_CONSTRAINT_PRIMARYKEY", "INSERT INTO t (id, a) VALUES (1, ?)", [SECRET + 1]],
			["SQLITE_CONSTRAINT_DATATYPE", "INSERT INTO s VALUES (?, 'x')", [SECRET]],
			["SQLITE_CONSTRAINT_CHECK", "INSERT INTO s VALUES (-1, ?)", [SECRET]],
			["SQLITE_CONSTRAINT_NOTNULL", "INSERT INTO s VALUES (1, NULL)", []],
			["SQLITE_MISMATCH", "INSERT INTO t (id) VALUES (?)", [SECRET]],
			["SQLITE_ERROR", "SELECT json_extract('{}', ?)", [SECRET]],
			["SQLITE_ERROR", "SELECT json_extract('{}', b) FROM t", []],
			["SQLITE_ERROR", "SELECT json(?)", [SECRET]],
			["SQLITE_ERROR", "SELECT * FROM f WHERE f MATCH ?", [`"${SECRET}`]],
			["SQLITE_ERROR", "SELECT * FROM f WHERE f MATCH ?", [`${SECRET}: x`]],
			["SQLITE_ERROR", "SELECT * FROM f WHERE f MATCH ?", [`*${SECRET}`]],
			["SQLITE_ERROR", "SELECT * FROM f WHERE f MATCH 'x' AND rank MATCH ?", [SECRET]],
			["SQLITE_ERROR", "SELECT * FROM f WHERE f MATCH 'x' AND rank MATCH ?", [`${SECRET}()`]],
			["SQLITE_ERROR", "INSERT INTO f (f) VALUES (?)", [SECRET]],
			["SQLITE_ERROR", "SELECT abs(-9223372036854775808)", []],
			["SQLITE_TOOBIG", "SELECT zeroblob(2000000000)", []],
		]) {
			const error = await rejection(() => METHODS[sql.startsWith("SELECT") ? "all" : "run"](sqlite, sql, params));
			expect(error, sql).toMatchObject({ name: "RootcellarError", code });
			expectNoSecret(error);
		}
	});

	test("say what a trigger raises", async () => {
		const { sqlite } = await storeWithRows();
		await sqlite.exec("CREATE TRIGGER no BEFORE INSERT ON t BEGIN SELECT RAISE(ABORT, 'not today'); END");
		expect(await rejection(() => sqlite.run("INSERT INTO t (a) VALUES ('x')"))).toMatchObject({
			code: "SQLITE_CONSTRAINT_TRIGGER",
			message: "not today",
		});
	});
});

describe("more rows than are wanted", () => {
	test("are a RangeError that tells the way out, and exactly as many are not", async () => {
		const { sqlite } = await storeWithRows(2_500);
		expect(await sqlite.all("SELECT id FROM t", [], { maxRows: 2_500 })).toHaveLength(2_500);
		for (const maxRows of [0, 999, 1_000, 2_499]) {
			const error = await rejection(() => sqlite.all("SELECT id FROM t", [], { maxRows }));
			expect(error).toBeInstanceOf(RangeError);
			expect(error).toMatchObject({ code: "ERR_TOO_MANY_ROWS" });
			expect(error.message).toContain("iterate()");
		}
	});

	test("of a statement that writes undo what it wrote", async () => {
		const { sqlite } = await storeWithRows(3);
		const error = await rejection(() => sqlite.all("UPDATE t SET a = 'x' || id RETURNING id", [], { maxRows: 2 }));
		expect(error).toMatchObject({ code: "ERR_TOO_MANY_ROWS" });
		expect(await valuesOf(sqlite)).toEqual(["row 1", "row 2", "row 3"]);
	});
});
