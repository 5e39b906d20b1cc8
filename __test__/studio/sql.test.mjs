// Tables and SQL in the studio: no value is changed by looking at it, and nothing is written unasked.

import { openDataStore } from "rootcellar";
import { expect, onTestFinished, test, vi } from "vitest";
import { until } from "../helpers/time.mjs";
import { fileWith, hashOf, startStudio } from "./studio.mjs";

const SCHEMA = `
	CREATE TABLE players (id INTEGER PRIMARY KEY, name TEXT NOT NULL, level INTEGER DEFAULT 1, ratio REAL, avatar BLOB);
	CREATE INDEX by_level ON players (level, name COLLATE NOCASE);
	CREATE TABLE items (owner TEXT, name TEXT, n INTEGER, PRIMARY KEY (owner, name)) WITHOUT ROWID;
	CREATE TABLE "odd ""name" (rowid TEXT, "a b" ANY, total INTEGER GENERATED ALWAYS AS (length("a b")));
	CREATE VIEW best AS SELECT name, level FROM players ORDER BY level DESC;
	CREATE VIRTUAL TABLE notes USING fts5(text);
`;

async function fileWithTables() {
	return fileWith(async ({ sqlite }) => {
		await sqlite.exec(SCHEMA);
		const rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 450)";
		await sqlite.run(`INSERT INTO players ${rows} SELECT i, 'player ' || i, i % 80, i / 3.0, NULL FROM n`);
		await sqlite.run(`INSERT INTO items ${rows} SELECT 'o' || (i % 3), 'item ' || i, i FROM n`);
		await sqlite.run("INSERT INTO players VALUES (1000, '', 9007199254740993, 1e999, ?)", [new Uint8Array([0, 255])]);
		await sqlite.run(`INSERT INTO "odd ""name" (rowid, "a b") VALUES ('x', 'y'), (NULL, 5)`);
		await sqlite.run("INSERT INTO notes VALUES ('hello world')");
	});
}

test("the schema tells columns, keys, indexes and what is a view", async () => {
	const studio = await startStudio({ file: await fileWithTables() });
	const { tables } = await studio.call("schema");
	const names = tables.filter(({ isOwn }) => !isOwn).map(({ name, kind }) => [name, kind]);
	expect(names).toEqual(
		expect.arrayContaining([
			["items", "table"],
			["notes", "virtual"],
			['odd "name', "table"],
			["players", "table"],
			["best", "view"],
		]),
	);
	const players = tables.find(({ name }) => name === "players");
	expect(players.columns.map(({ name, pk, notNull }) => [name, pk, notNull]).slice(0, 2)).toEqual([
		["id", 1, false],
		["name", 0, true],
	]);
	expect(players.indexes).toMatchObject([{ name: "by_level", columns: ["level", "name"] }]);
	expect(tables.find(({ name }) => name === 'odd "name').rowid).toBe("_rowid_");
	expect(tables.find(({ name }) => name === "items").rowid).toBeUndefined();
});

test("pages go through every row once, by row id, primary key or place", async () => {
	const studio = await startStudio({ file: await fileWithTables() });
	for (const [table, count, where] of [
		["players", 451, ""],
		["items", 450, ""],
		["best", 451, ""],
		['odd "name', 2, ""],
		["notes", 1, ""],
		["players", 75, "level IN (1, 2) OR id % 7 = 0 -- and a comment"],
	]) {
		const rows = [];
		let page = {};
		do {
			page = await studio.call("table/rows", { table, where, after: page.after, offset: page.offset, limit: 100 });
			rows.push(...page.rows.map((row) => JSON.stringify(row)));
		} while (page.after !== undefined || page.offset !== undefined);
		const expected = await studio.call("table/count", { table, where, all: true });
		expect([table, rows.length, new Set(rows).size, expected.count]).toEqual([
			table,
			expected.count,
			rows.length,
			rows.length,
		]);
		if (where === "") expect(rows).toHaveLength(count);
	}
});

test("a value keeps its type and its digits", async () => {
	const studio = await startStudio({ file: await fileWithTables() });
	const { rows } = await studio.call("table/rows", { table: "players", where: "id = 1000" });
	expect(rows).toEqual([[1000, "", { int: "9007199254740993" }, { real: "Infinity" }, { blob: "00ff", bytes: 2 }]]);
	const found = await studio.call("sql/run", {
		sql: "SELECT NULL, '', 0, 1.5, -9223372036854775808, x'', 'a' AS a, 'b' AS a",
	});
	expect(found.columns.slice(-2)).toEqual(["a", "a"]);
	expect(found.rows).toEqual([[null, "", 0, 1.5, { int: "-9223372036854775808" }, { blob: "", bytes: 0 }, "a", "b"]]);
});

test("a row is changed where it is as it was shown, and nowhere else", async () => {
	const file = await fileWithTables();
	const studio = await startStudio({ file, write: true });
	const bot = openDataStore({ filename: file, backup: false });
	onTestFinished(() => bot.close());
	const of = (table, column, key) => ({ table, column, key });
	await studio.call("table/update", {
		...of("players", "level", [1000]),
		before: { int: "9007199254740993" },
		type: "integer",
		value: { int: "9007199254740995" },
	});
	await studio.call("table/update", { ...of("items", "n", ["o1", "item 1"]), before: 1, type: "integer", value: null });
	await studio.call("table/update", {
		...of('odd "name', "a b", [1]),
		before: "y",
		type: "text",
		value: { blob: "00ff" },
	});
	const stale = { status: 409, code: "ERR_CHANGED_MEANWHILE" };
	const again = { ...of("items", "n", ["o1", "item 1"]), before: 1, type: "integer", value: 5 };
	expect(await studio.failure("table/update", again)).toMatchObject(stale);
	expect(await studio.failure("table/delete", { table: "players", key: [5000] })).toMatchObject(stale);
	expect(
		await studio.failure("table/update", { ...of("best", "name", []), before: "", type: "text", value: "x" }),
	).toMatchObject({ status: 400 });
	await studio.call("table/insert", { table: "players", values: { name: "new", ratio: { real: "2" } } });
	await studio.call("table/delete", { table: "players", key: [1] });
	const rows = await bot.sqlite.all(
		`SELECT (SELECT level FROM players WHERE id = 1000) AS big, (SELECT n FROM items WHERE name = 'item 1') AS none,
			(SELECT hex("a b") FROM "odd ""name" WHERE _rowid_ = 1) AS odd, (SELECT count(*) FROM players WHERE id = 1) AS gone,
			(SELECT typeof(ratio) FROM players WHERE name = 'new') AS type`,
		[],
		{ bigint: "large" },
	);
	expect(rows).toEqual([{ big: 9007199254740995n, none: null, odd: "00FF", gone: 0, type: "real" }]);
	// Rows of the store itself are changed elsewhere.
	const own = { table: "__rootcellar_schema", column: "version", key: [1], before: 2, type: "integer", value: 1 };
	expect(await studio.failure("table/update", own)).toMatchObject({ status: 403 });
});

test("rows whose keys are long BLOBs are told apart, on each page and where one is deleted", async () => {
	const file = await fileWith(async ({ sqlite }) => {
		await sqlite.exec("CREATE TABLE long (id BLOB PRIMARY KEY, bytes INTEGER) WITHOUT ROWID");
		for (const bytes of [64, 65, 66, 2_000]) {
			await sqlite.run("INSERT INTO long VALUES (?, ?)", [new Uint8Array(bytes).fill(7), bytes]);
		}
	});
	const studio = await startStudio({ file, write: true });
	const lengths = async () => {
		const found = [];
		let after;
		do {
			const page = await studio.call("table/rows", { table: "long", after, limit: 1 });
			found.push(...page.rows.map(([, bytes]) => bytes));
			({ after } = page);
		} while (after !== undefined && found.length < 10);
		return found;
	};
	expect(await lengths()).toEqual([64, 65, 66, 2_000]);
	const { keys } = await studio.call("table/rows", { table: "long" });
	await studio.call("table/delete", { table: "long", key: keys[1] });
	expect(await lengths()).toEqual([64, 66, 2_000]);
	// The beginning of a key tells no row, but one that was typed has all of its bytes.
	const begin = "07".repeat(64);
	expect(await studio.failure("table/delete", { table: "long", key: [{ blob: begin, bytes: 65 }] })).toMatchObject({
		status: 400,
		code: "ERR_INVALID_ARGUMENT",
	});
	expect(await lengths()).toEqual([64, 66, 2_000]);
	await studio.call("table/delete", { table: "long", key: [{ blob: begin, bytes: 0 }] });
	expect(await lengths()).toEqual([66, 2_000]);
});

test("what differs from what was shown is neither changed nor deleted, also where its column takes the two for equal", async () => {
	const file = await fileWith(async ({ sqlite }) => {
		await sqlite.exec(
			`CREATE TABLE people (name TEXT PRIMARY KEY COLLATE NOCASE, nick TEXT COLLATE NOCASE, note TEXT COLLATE RTRIM)
			WITHOUT ROWID`,
		);
		await sqlite.run("INSERT INTO people VALUES ('ada', 'ADA', 'x  ')");
	});
	const studio = await startStudio({ file, write: true });
	const update = (key, column, before) => ({ table: "people", key: [key], column, before, type: "text", value: "new" });
	const stale = { status: 409, code: "ERR_CHANGED_MEANWHILE" };
	expect(await studio.failure("table/update", update("ada", "nick", "ada"))).toMatchObject(stale);
	expect(await studio.failure("table/update", update("ada", "note", "x"))).toMatchObject(stale);
	expect(await studio.failure("table/update", update("Ada", "nick", "ADA"))).toMatchObject(stale);
	expect(await studio.failure("table/delete", { table: "people", key: ["Ada"] })).toMatchObject(stale);
	expect((await studio.call("table/rows", { table: "people" })).rows).toEqual([["ada", "ADA", "x  "]]);
	await studio.call("table/update", update("ada", "nick", "ADA"));
	await studio.call("table/update", update("ada", "note", "x  "));
	expect((await studio.call("table/rows", { table: "people" })).rows).toEqual([["ada", "new", "new"]]);
	await studio.call("table/delete", { table: "people", key: ["ada"] });
	expect((await studio.call("table/rows", { table: "people" })).rows).toEqual([]);
});

test("a query is paged, is told where its error is, and ends when nobody waits for it", async () => {
	const studio = await startStudio({ file: await fileWithTables() });
	const sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) SELECT i FROM n";
	const sizes = [];
	let offset = 0;
	for (;;) {
		const { rows, isMore } = await studio.call("sql/run", { sql, offset });
		sizes.push([rows.length, rows[0]?.[0]]);
		offset += rows.length;
		if (!isMore) break;
	}
	expect(sizes).toEqual([
		[1000, 1],
		[1000, 1001],
		[500, 2001],
	]);
	expect(await studio.failure("sql/run", { sql: "SELECT 1 FORM x y" })).toMatchObject({
		code: "SQLITE_ERROR",
		position: 14,
	});
	expect(await studio.failure("table/rows", { table: "players", where: "lvl = 1" })).toMatchObject({
		message: "no such column: lvl",
	});
	const { steps } = await studio.call("sql/plan", { sql: "SELECT * FROM players WHERE level = 1" });
	expect(steps[0].detail).toContain("by_level");
	const endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
	const controller = new AbortController();
	const running = studio.request("sql/run", { sql: endless }, { signal: controller.signal });
	setTimeout(() => controller.abort(), 100);
	await expect(running).rejects.toMatchObject({ name: "AbortError" });
	// All readers are free again: as many queries as there are readers are answered at once.
	await Promise.all(Array.from({ length: 8 }, () => studio.call("sql/run", { sql: "SELECT 1" })));
});

test("what writes waits in its transaction, and is committed, rolled back, or rolled back with the studio", async () => {
	const file = await fileWithTables();
	const studio = await startStudio({ file, write: true });
	const levels = async () =>
		(await studio.call("sql/run", { sql: "SELECT count(*) FROM players WHERE level = 99" })).rows[0][0];
	const sql = "UPDATE players SET level = 99 WHERE id <= 10";
	const first = await studio.call("sql/run", { sql });
	expect(first).toMatchObject({ changes: 10, transaction: expect.any(String) });
	expect(await levels()).toBe(0);
	expect(await studio.failure("sql/run", { sql })).toMatchObject({ status: 409, code: "ERR_UNDECIDED" });
	await studio.call("sql/decide", { transaction: first.transaction, commits: false });
	expect(await levels()).toBe(0);
	const script = await studio.call("sql/run", { sql: `${sql}; INSERT INTO items VALUES ('s', 's', 1);` });
	expect(script.changes).toBe(11);
	expect(await studio.call("sql/decide", { transaction: script.transaction, commits: true })).toEqual({
		isCommitted: true,
	});
	expect(await levels()).toBe(10);
	const returned = await studio.call("sql/run", { sql: "DELETE FROM players WHERE id < 3 RETURNING id, name" });
	expect(returned).toMatchObject({
		columns: ["id", "name"],
		rows: [
			[1, "player 1"],
			[2, "player 2"],
		],
		changes: 2,
	});
	expect(await studio.failure("sql/decide", { transaction: "0", commits: true })).toMatchObject({
		code: "ERR_UNDECIDED",
	});
	await studio.close();
	await studio.session.close();
	const store = openDataStore({ filename: file, readOnly: true });
	onTestFinished(() => store.close());
	expect(await store.sqlite.get("SELECT count(*) AS n FROM players WHERE id < 3")).toEqual({ n: 2 });
});

test("of two writes that come at once, the one that waits can be cancelled, and the other is still decided", async () => {
	const studio = await startStudio({ file: await fileWithTables(), write: true });
	const ending = vi.spyOn(studio.session, "ending");
	let release;
	const held = new Promise((resolve) => (release = resolve));
	const holding = studio.session.store.sqlite.transaction(() => held);
	const sql = "UPDATE players SET level = level + 100 WHERE id = 1";
	const answers = ["w0", "w1"].map(async (work, at) => {
		const response = await studio.request("sql/run", { sql, work });
		return { ...(await response.json()), at };
	});
	await until(() => ending.mock.calls.length === 2, "both to wait for their turn");
	release();
	await holding;
	const first = await Promise.race(answers);
	expect(first).toMatchObject({ changes: 1, transaction: expect.any(String) });
	await studio.call("cancel", { of: `w${1 - first.at}` });
	expect(await answers[1 - first.at]).toMatchObject({ error: { code: "ABORT_ERR" } });
	expect(await studio.call("sql/decide", { transaction: first.transaction, commits: true })).toEqual({
		isCommitted: true,
	});
	expect((await studio.call("sql/run", { sql: "SELECT level FROM players WHERE id = 1" })).rows).toEqual([[101]]);
});

test("no form of SQL writes without --write, shown by the bytes of the file", async () => {
	const file = await fileWithTables();
	const studio = await startStudio({ file });
	await studio.call("sql/run", { sql: "SELECT * FROM players" });
	const before = hashOf(file);
	const forms = [
		"UPDATE players SET level = 5",
		"DELETE FROM players",
		"INSERT INTO items VALUES ('a', 'b', 1) RETURNING *",
		"REPLACE INTO players (id, name) VALUES (1, 'x')",
		"WITH x AS (SELECT 1) UPDATE players SET level = 1",
		"CREATE TABLE t (a)",
		"CREATE TEMP TABLE t (a)",
		"CREATE INDEX i ON players (name)",
		"ALTER TABLE players ADD COLUMN x",
		"DROP TABLE items",
		"DROP VIEW best",
		"VACUUM",
		`VACUUM INTO '${file}.copy'`,
		"REINDEX",
		"ANALYZE",
		"PRAGMA user_version = 5",
		"PRAGMA journal_mode = DELETE",
		"PRAGMA query_only = OFF",
		"PRAGMA writable_schema = ON",
		"PRAGMA wal_checkpoint(TRUNCATE)",
		"PRAGMA optimize",
		"BEGIN IMMEDIATE",
		"COMMIT",
		"SAVEPOINT a",
		`ATTACH '${file}' AS other`,
		"INSERT INTO notes VALUES ('x')",
		"INSERT INTO notes (notes) VALUES ('optimize')",
		"UPDATE __rootapp_kv SET value = '1'",
		"SELECT 1; DELETE FROM players",
		"EXPLAIN DELETE FROM players; DELETE FROM players",
	];
	for (const sql of forms) {
		const response = await studio.request("sql/run", { sql });
		// A pragma may report instead of setting; either way nothing is written.
		if (!sql.startsWith("PRAGMA")) expect([sql, response.ok]).toEqual([sql, false]);
		for (const where of [`1); ${sql}; --`, `1) ; ${sql}`]) {
			const answer = await studio.request("table/rows", { table: "players", where });
			expect([where, answer.ok]).toEqual([where, false]);
		}
		const planned = await studio.request("sql/plan", { sql: `SELECT 1; ${sql}` });
		expect([sql, planned.ok]).toEqual([sql, false]);
	}
	expect(hashOf(file)).toBe(before);
});

test("a download has every row, and is opened once, with the address that was given for it", async () => {
	const studio = await startStudio({ file: await fileWithTables() });
	const sql =
		"SELECT id, name, level, ratio, avatar FROM players WHERE id >= 449 UNION ALL SELECT 1, '=1+1', NULL, 0.5, 'a \"b\", c'";
	const get = async (input) => {
		const { address } = await studio.call("sql/download", { sql, ...input });
		const url = `http://${studio.host}${address}`;
		const first = await fetch(url);
		expect((await fetch(url)).status).toBe(404);
		return first.text();
	};
	expect(await get({ format: "csv" })).toBe(
		"id,name,level,ratio,avatar\r\n449,player 449,49,149.66666666666666,\r\n450,player 450,50,150,\r\n" +
			'1000,"",9007199254740993,Infinity,00ff\r\n1,\'=1+1,,0.5,"a ""b"", c"\r\n',
	);
	expect(JSON.parse(await get({ format: "json" }))).toHaveLength(4);
	expect((await fetch(`http://${studio.host}/download/${studio.token}`)).status).toBe(404);
});
