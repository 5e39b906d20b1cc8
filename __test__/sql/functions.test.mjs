// Functions that the bundled SQLite has beyond the least: mathematics, percentiles, regular expressions.

import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { expectNoSecret, rejection, SECRET } from "../helpers/errors.mjs";
import { raw } from "../helpers/raw.mjs";
import { temporaryFile, temporaryStore } from "../helpers/store.mjs";

const one = async (sql, params) => (await temporaryStore().sqlite.get(`SELECT ${sql} AS value`, params)).value;

test.each([
	["acos(1)", 0],
	["asin(0)", 0],
	["atan2(0, 1)", 0],
	["ceil(1.2)", 2],
	["ceiling(-1.2)", -1],
	["cos(0)", 1],
	["degrees(pi())", 180],
	["exp(0)", 1],
	["floor(-1.5)", -2],
	["ln(1)", 0],
	["log(100)", 2],
	["log10(1000)", 3],
	["log2(8)", 3],
	["log(2, 16)", 4],
	["mod(7, 4)", 3],
	["pow(2, 10)", 1024],
	["power(9, 0.5)", 3],
	["round(radians(90), 5)", 1.5708],
	["sinh(0)", 0],
	["sqrt(2.25)", 1.5],
	["tan(0)", 0],
	["trunc(-2.7)", -2],
	["sqrt(-1)", null],
])("%s", async (sql, expected) => {
	expect(await one(sql)).toBe(expected);
});

test("every function of sqlite3 and of better-sqlite3 is there, except for geopoly's", async () => {
	const LIST = "SELECT DISTINCT name FROM pragma_function_list ORDER BY name";
	const { sqlite } = temporaryStore();
	const ours = (await sqlite.all(LIST)).map(({ name }) => name);
	const better = new Database(":memory:");
	const others = [better.prepare(LIST).pluck().all(), (await raw(":memory:", LIST)).map(({ name }) => name)];
	better.close();
	for (const names of others) {
		expect(names.length).toBeGreaterThan(100);
		const missing = names.filter((name) => !ours.includes(name) && !name.startsWith("geopoly_"));
		expect(missing).toEqual([]);
	}
});

test("percentiles and the median of groups", async () => {
	const { sqlite } = temporaryStore();
	await sqlite.exec(`CREATE TABLE scores (team TEXT, score REAL);
		INSERT INTO scores VALUES ('a', 1), ('a', 2), ('a', 3), ('a', 4), ('b', 10), ('b', NULL)`);
	const sql = `SELECT team, median(score) AS median, percentile(score, 25) AS quarter,
		percentile_cont(score, 0.25) AS cont, percentile_disc(score, 0.25) AS disc FROM scores GROUP BY team`;
	expect(await sqlite.all(sql)).toEqual([
		{ team: "a", median: 2.5, quarter: 1.75, cont: 1.75, disc: 1 },
		{ team: "b", median: 10, quarter: 10, cont: 10, disc: 10 },
	]);
});

test.each([
	["'abc' REGEXP 'b'", 1],
	["'abc' REGEXP '^b'", 0],
	["'abc' REGEXP '^a.c$'", 1],
	["'ABC' REGEXP 'abc'", 0],
	["'ABC' REGEXP '(?i)abc'", 1],
	["'a@b.de' REGEXP '^[^@ ]+@[a-z.]+$'", 1],
	["'x12y' REGEXP '\\d{2}'", 1],
	["'x12y' NOT REGEXP '\\d{3}'", 1],
	["'übel' REGEXP '^.bel$'", 1],
	["42 REGEXP '^4'", 1],
	["NULL REGEXP 'a'", null],
	["'a' REGEXP NULL", null],
	["regexp('b', 'abc')", 1],
	["'a\nb' REGEXP '^b$'", 0],
	["'' REGEXP ''", 1],
])("%s", async (sql, expected) => {
	expect(await one(sql)).toBe(expected);
});

test("REGEXP selects rows, with a pattern for each", async () => {
	const { sqlite } = temporaryStore();
	await sqlite.exec("CREATE TABLE t (text, pattern); INSERT INTO t VALUES ('ada', '^a'), ('bob', '^a'), ('eve', 'v')");
	expect(await sqlite.all("SELECT text FROM t WHERE text REGEXP pattern")).toEqual([{ text: "ada" }, { text: "eve" }]);
	expect(await sqlite.all("SELECT text FROM t WHERE text REGEXP ?", ["[ae]$"])).toEqual([
		{ text: "ada" },
		{ text: "eve" },
	]);
});

test.each(["(", "[a", "a{2,1}", "(?<n", "*", "(a|b){1000}{1000}"])(
	"the pattern %j is an error without a value of the row, and writes nothing",
	async (pattern) => {
		const { sqlite } = temporaryStore();
		await sqlite.exec("CREATE TABLE t (text); CREATE TABLE u (text)");
		await sqlite.run("INSERT INTO t VALUES (?)", [SECRET]);
		const error = await rejection(() => sqlite.run("INSERT INTO u SELECT text FROM t WHERE text REGEXP ?", [pattern]));
		expect(error.code).toBe("SQLITE_ERROR");
		expect(error.message).toContain("REGEXP");
		expectNoSecret(error);
		expect(await sqlite.all("SELECT * FROM u")).toEqual([]);
	},
);

test("matching takes time in proportion to the text, whatever the pattern", async () => {
	const { sqlite } = temporaryStore();
	const text = `${"a".repeat(30_000)}!`;
	for (const pattern of ["^(a+)+$", "^(a|a)*$", "(a*)*b", "^(a|aa)+$", "a*a*a*a*a*a*b"]) {
		expect(await sqlite.get("SELECT ? REGEXP ? AS matches", [text, pattern])).toEqual({ matches: 0 });
	}
});

test("tables of better-sqlite3 whose CHECK, index or generated column calls them are written and read", async () => {
	const filename = temporaryFile();
	const file = new Database(filename);
	file.exec(`CREATE TABLE t (n REAL CHECK (floor(n) >= 0), whole INTEGER GENERATED ALWAYS AS (floor(n)) STORED,
			root AS (sqrt(n)));
		CREATE INDEX by_log ON t (ln(n + 1)); INSERT INTO t (n) VALUES (4.5)`);
	file.close();
	const { sqlite } = temporaryStore(filename);
	await sqlite.run("INSERT INTO t (n) VALUES (9.9)");
	expect(await sqlite.all("SELECT whole, round(root, 2) AS root FROM t ORDER BY ln(n + 1)")).toEqual([
		{ whole: 4, root: 2.12 },
		{ whole: 9, root: 3.15 },
	]);
	expect((await rejection(() => sqlite.run("INSERT INTO t (n) VALUES (-1)"))).code).toBe("SQLITE_CONSTRAINT_CHECK");
	expect(await sqlite.get("PRAGMA integrity_check")).toEqual({ integrity_check: "ok" });
});

test("a CHECK and an index may call REGEXP", async () => {
	const { sqlite } = temporaryStore();
	await sqlite.exec(`CREATE TABLE users (mail TEXT CHECK (mail REGEXP '^[^@]+@[^@]+$'));
		CREATE INDEX at_home ON users (mail REGEXP '@home$')`);
	await sqlite.run("INSERT INTO users VALUES ('ada@home')");
	expect((await rejection(() => sqlite.run("INSERT INTO users VALUES ('ada')"))).code).toBe("SQLITE_CONSTRAINT_CHECK");
	expect(await sqlite.all("SELECT mail FROM users WHERE mail REGEXP '@home$'")).toEqual([{ mail: "ada@home" }]);
});
