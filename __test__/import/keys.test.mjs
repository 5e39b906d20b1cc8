// Keys that exist or cannot be imported, and sources that are in use.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { failure, fileWith, json, rootcellar } from "../cli/cli.mjs";
import { raw, rawConnection } from "../helpers/raw.mjs";
import { temporaryDirectory } from "../helpers/store.mjs";
import { copyOf, env, expectRefused, exported } from "./imported.mjs";

const QUICK_DB = "CREATE TABLE json (ID TEXT PRIMARY KEY, json TEXT)";

describe("a key", () => {
	test("that exists is an error unless --force, also in a trial", async () => {
		const source = join(copyOf("quick.db-9"), "json.sqlite");
		const file = await fileWith([
			{ key: "coins", value: "secret" },
			{ key: "gone", value: 1, expiresAt: 1 },
		]);
		const args = ["import", "--from", "quick.db", source, "-f", file];
		for (const trial of [["--dry-run"], []]) {
			const { code, message } = await failure([...args, ...trial], { env });
			expect(code).toBe("ERR_KEY_EXISTS");
			expect(message).toBe('the key "coins", row 6 of json, exists; nothing was imported, and --force overwrites');
		}
		expect(await exported(file)).toEqual([{ key: "coins", value: "secret" }]);
		expect((await json([...args, "--force"], { env })).keys).toBe(8);
		expect((await exported(file)).find(({ key }) => key === "coins")).toEqual({ key: "coins", value: 42 });
	});

	test("that exists is found, whatever is in it", async () => {
		const key = 'nul\0 quote" back\\slash \ud83d\ude00 \u2028';
		const document = join(temporaryDirectory(), "db.json");
		writeFileSync(document, JSON.stringify({ "": 1, [key]: 2 }));
		for (const existing of ["", key]) {
			const file = await fileWith([{ key: existing, value: 0 }]);
			const { code } = await failure(["import", "--from", "json", document, "-f", file], { env });
			expect(code).toBe("ERR_KEY_EXISTS");
			const inCommunity = ["import", "--from", "json", document, "-f", file, "--community", "c"];
			expect((await json(inCommunity, { env })).keys).toBe(2);
			expect((await failure([...inCommunity, "--dry-run"], { env })).code).toBe("ERR_KEY_EXISTS");
		}
	});

	test("that two keys of the source would become is an error", async () => {
		const source = join(temporaryDirectory(), "json.sqlite");
		await raw(
			source,
			QUICK_DB,
			"CREATE TABLE a (ID TEXT PRIMARY KEY, json TEXT)",
			"INSERT INTO json VALUES ('a:1', '1')",
			"INSERT INTO a VALUES ('1', '2')",
		);
		const { code, message } = await expectRefused(["--from", "quick.db", source]);
		expect([code, message]).toEqual([
			"ERR_KEY_EXISTS",
			expect.stringMatching(
				/the key "a:1", row 1 of a, is what one before it has become; nothing .* --force takes the last$/,
			),
		]);
		const file = await fileWith([]);
		expect((await json(["import", "--from", "quick.db", source, "--table", "a", "-f", file], { env })).keys).toBe(1);
	});

	test("that cannot be imported is named, without its value, and left out with --skip", async () => {
		const folder = temporaryDirectory();
		const source = join(folder, "json.sqlite");
		const deep = "[".repeat(100_000) + "]".repeat(100_000);
		await raw(
			source,
			QUICK_DB,
			"INSERT INTO json VALUES (x'0102', '1'), (NULL, '1'), ('half', '{\"secret\":'), ('blob', x'73'), ('null', NULL)",
			["INSERT INTO json VALUES ('deep', ?)", deep],
			"INSERT INTO json VALUES ('large', '1e400'), ('nul' || char(0) || 'x', '1'), ('', '2'), ('fine', '3')",
		);
		const { code, message } = await expectRefused(["--from", "quick.db", source]);
		expect(code).toBe("ERR_INVALID_INPUT");
		expect(message).toBe(
			"5 keys cannot be imported: row 1 of json has a key that is no text, but a BLOB; " +
				"row 2 of json has a key that is no text, but NULL; " +
				'"half", row 3 of json, has a value that is not JSON; ' +
				'"blob", row 4 of json, has a value that is no text, but a BLOB; ' +
				'"deep", row 6 of json, has a value that JSON.stringify cannot write; it may be nested too deep; ' +
				"nothing was imported, and --skip leaves out what cannot be",
		);
		const file = join(folder, "bot.sqlite3");
		const report = join(folder, "report.jsonl");
		const args = ["import", "--from", "quick.db", source, "-f", file, "--skip", "--report", report];
		const told = await json(args, { env });
		expect(told).toMatchObject({ keys: 5, refused: { keys: 5 }, inexact: { keys: 2, kinds: { null: 1, number: 1 } } });
		expect(await exported(file)).toEqual([
			{ key: "null", value: null },
			{ key: "large", value: "Infinity" },
			{ key: "nul\0x", value: 1 },
			{ key: "", value: 2 },
			{ key: "fine", value: 3 },
		]);
		const lines = readFileSync(report, "utf8")
			.trimEnd()
			.split("\n")
			.map((line) => JSON.parse(line));
		expect(lines).toHaveLength(7);
		expect(lines).toContainEqual({ key: "null", from: "row 5 of json", inexact: ["null"] });
		expect(lines).toContainEqual({ key: "half", from: "row 3 of json", refused: "has a value that is not JSON" });
	});

	/** Numbers that JavaScript cannot hold, in sources that are JSON: arguments, the content of a file, and the report. */
	const NUMBERS = [
		[
			["--from", "json"],
			'{"large":1e400,"deep":{"a":[{"b":-1e400},9007199254740993]},"big":1,"big":12345678901234567890,"fine":"1e400"}',
			[
				["large", "the document", ["number"]],
				["deep", "the document", ["number", "digits"]],
				["big", "the document", ["digits"]],
			],
		],
		[
			["--from", "json", "--split", "2", "--prefix", "p:"],
			'{"a":{"one":12345678901234567890,"two":2},"__proto__":{"x":1e400},"b":[1e400],"c":12345678901234567890,"c":1}',
			[
				["p:a:one", "the document", ["digits"]],
				["p:__proto__:x", "the document", ["number"]],
				["p:b", "the document", ["number"]],
			],
		],
		[
			["--from", "quick.db"],
			'{"json":[{"id":"a","value":{"n":[1e400]}},{"id":"b","value":1}],"t":[{"id":"12345678901234567890","value":-12345678901234567890}]}',
			[
				["a", "row 1 of json", ["number"]],
				["t:12345678901234567890", "row 1 of t", ["digits"]],
			],
		],
		[
			["--input"],
			'{"key":"12345678901234567890","value":1}\n{"key":"big","value":[12345678901234567890]}\n',
			[["big", "line 2", ["digits"]]],
		],
	];

	test.each(NUMBERS)(
		"with a number that JavaScript cannot hold is in the report: %j",
		async (given, content, remarks) => {
			const folder = temporaryDirectory();
			const [source, report] = [join(folder, "source"), join(folder, "report.jsonl")];
			writeFileSync(source, content);
			const args = ["import", ...given, source, "-f", join(folder, "bot.sqlite3"), "--report", report];
			const expected = remarks.map(([key, from, inexact]) => ({ key, from, inexact }));
			const linesOf = () =>
				readFileSync(report, "utf8")
					.trimEnd()
					.split("\n")
					.map((line) => JSON.parse(line));
			const tried = await json([...args, "--dry-run"], { env });
			expect(linesOf()).toEqual(expected);
			const told = await json([...args, "--force"], { env });
			expect(linesOf()).toEqual(expected);
			for (const { inexact } of [tried, told])
				expect(inexact).toMatchObject({ keys: expected.length, first: expected });
			const text = (await rootcellar([...args, "--force"], { env })).stdout;
			expect(text).toContain(
				`${expected.length === 1 ? "1 key" : `${expected.length} keys`} could not be carried over exactly`,
			);
			expect(text).not.toContain('Infinity"}');
		},
	);

	test("of a document is imported however deep it lies beside a number that JavaScript rounds", async () => {
		const folder = temporaryDirectory();
		const source = join(folder, "source.json");
		writeFileSync(source, `{"a":${"[".repeat(3_000)}12345678901234567890${"]".repeat(3_000)},"b":1}`);
		const args = ["import", "--from", "json", source, "-f", join(folder, "bot.sqlite3")];
		expect(await json(args, { env })).toMatchObject({ keys: 2, inexact: { kinds: { digits: 1 } } });
	});

	/** Keys and values with bytes that are no UTF-8, and with a U+FFFD of their own, which is exact. */
	const NOT_UTF8 = [
		["replaced", `"\ufffd"`],
		["in the value", `"a\xff"`],
		["cut off", `"a\xe2\x82"`],
		["surrogate", `"\xed\xa0\x80"`],
		["overlong", `"\xc0\x80"`],
		["in the key\xff", "1"],
	];

	/** A literal of SQL for a text with bytes `\xNN`. */
	const textOf = (text) => {
		const bytes = [...text].map((one) => (one === "\ufffd" ? Buffer.from(one) : Buffer.from(one, "latin1")));
		return `CAST(x'${Buffer.concat(bytes).toString("hex")}' AS TEXT)`;
	};

	const COLUMNS = {
		"quick.db": [QUICK_DB, (key, value) => `INSERT INTO json VALUES (${key}, ${value})`],
		keyv: [
			"CREATE TABLE keyv (key TEXT PRIMARY KEY, value TEXT)",
			(key, value) => `INSERT INTO keyv VALUES ('keyv:' || ${key}, '{"value":' || ${value} || '}')`,
		],
		rootcellar: [
			"CREATE TABLE __rootapp_kv (key TEXT, community_id TEXT, value TEXT, expires_at INTEGER)",
			(key, value) => `INSERT INTO __rootapp_kv VALUES (${key}, NULL, ${value}, NULL)`,
		],
	};

	test.each(Object.keys(COLUMNS))("of %s that is not UTF-8 is refused, and such a value reported", async (from) => {
		const [table, insert] = COLUMNS[from];
		const folder = temporaryDirectory();
		const source = join(folder, "source.sqlite");
		await raw(source, table, ...NOT_UTF8.map(([key, value]) => insert(textOf(key), textOf(value))));
		const { message } = await expectRefused(["--from", from, source]);
		expect(message).toMatch(
			/^1 key cannot be imported: [\w ]+ has a key that is no text in the encoding of its source;/,
		);
		const file = join(folder, "bot.sqlite3");
		const told = await json(["import", "--from", from, source, "-f", file, "--skip"], { env });
		expect(told).toMatchObject({ keys: 5, refused: { keys: 1 }, inexact: { keys: 4, kinds: { utf8: 4 } } });
		expect(told.inexact.first.map(({ key }) => key)).toEqual(["in the value", "cut off", "surrogate", "overlong"]);
		expect(await exported(file)).toEqual([
			{ key: "replaced", value: "\ufffd" },
			{ key: "in the value", value: "a\ufffd" },
			{ key: "cut off", value: "a\ufffd" },
			{ key: "surrogate", value: "\ufffd\ufffd\ufffd" },
			{ key: "overlong", value: "\ufffd\ufffd" },
		]);
	});

	test.each(["UTF-16le", "UTF-16be"])("of a database in %s is read, unless it is no text there", async (encoding) => {
		const folder = temporaryDirectory();
		const source = join(folder, "json.sqlite");
		const half = encoding === "UTF-16le" ? "220000d82200" : "0022d8000022";
		await raw(
			source,
			`PRAGMA encoding = '${encoding}'`,
			QUICK_DB,
			`INSERT INTO json VALUES ('k\u00e4\ufffd\u{1f600}', '"\ufffd\u{1f600}"'), ('half', CAST(x'${half}' AS TEXT))`,
		);
		const file = join(folder, "bot.sqlite3");
		const told = await json(["import", "--from", "quick.db", source, "-f", file], { env });
		expect(told.inexact).toMatchObject({ keys: 1, first: [{ key: "half", inexact: ["utf8"] }] });
		expect(await exported(file)).toEqual([
			{ key: "k\u00e4\ufffd\u{1f600}", value: "\ufffd\u{1f600}" },
			{ key: "half", value: "\ufffd" },
		]);
	});

	test("of a file of node-persist that is not UTF-8 is refused, and such a value reported", async () => {
		const folder = temporaryDirectory();
		const files = ['{"key":"fine","value":"\xff"}', '{"key":"\xff","value":1}'];
		for (const [place, text] of files.entries()) {
			writeFileSync(join(folder, `${place}`.repeat(64)), Buffer.from(text, "latin1"));
		}
		const file = join(temporaryDirectory(), "bot.sqlite3");
		const told = await json(["import", "--from", "node-persist", folder, "-f", file, "--skip"], { env });
		expect(told.inexact).toMatchObject({ keys: 1, first: [{ key: "fine", inexact: ["utf8"] }] });
		expect(told.refused).toMatchObject({ keys: 1, first: [{ from: `the file ${"1".repeat(64)}` }] });
		expect(await exported(file)).toEqual([{ key: "fine", value: "\ufffd" }]);
	});

	test("is named as it would be stored, with the prefix, whatever the report says of it", async () => {
		const source = join(temporaryDirectory(), "json.sqlite");
		const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
		await raw(source, QUICK_DB, `INSERT INTO json VALUES ('null', NULL), ('half', '{"a":'), ('deep', '${deep}')`);
		const args = ["--from", "quick.db", source, "--prefix", "old/"];
		expect((await expectRefused(args)).message).toContain('"old/half", row 2 of json, has a value that is not JSON');
		const file = join(temporaryDirectory(), "bot.sqlite3");
		const { inexact, refused } = await json(["import", ...args, "-f", file, "--skip"], { env });
		expect(inexact.first.map(({ key }) => key)).toEqual(["old/null"]);
		expect(refused.first.map(({ key }) => key)).toEqual(["old/half", "old/deep"]);
	});

	test("of quick.db 7 that has several rows has the value of the first", async () => {
		const source = join(temporaryDirectory(), "json.sqlite");
		await raw(
			source,
			"CREATE TABLE json (ID TEXT, json TEXT)",
			"INSERT INTO json VALUES ('z', '1'), ('a', '\"2\"'), ('z', '3'), ('text', '\"not JSON\"')",
		);
		const file = join(temporaryDirectory(), "bot.sqlite3");
		const told = await json(["import", "--from", "quick.db", source, "-f", file], { env });
		expect(told.inexact).toMatchObject({ keys: 1, first: [{ key: "z", inexact: ["duplicate"] }] });
		expect(await exported(file)).toEqual([
			{ key: "z", value: 1 },
			{ key: "a", value: 2 },
			{ key: "text", value: "not JSON" },
		]);
	});
});

describe("a source in use", () => {
	test("is read with what is in its log, and stays usable", async () => {
		const folder = temporaryDirectory();
		const source = join(folder, "json.sqlite");
		const program = rawConnection(source);
		await program.run("PRAGMA journal_mode = WAL", "PRAGMA wal_autocheckpoint = 0", QUICK_DB);
		await program.run("INSERT INTO json VALUES ('k', '1')");
		// Uncommitted rows are not there.
		await program.run("BEGIN IMMEDIATE", "INSERT INTO json VALUES ('l', '2')");
		const file = join(folder, "bot.sqlite3");
		expect((await json(["import", "--from", "quick.db", source, "-f", file], { env })).keys).toBe(1);
		await program.run("COMMIT");
		expect(await program.run("SELECT count(*) AS n FROM json")).toEqual([{ n: 2 }]);
		expect(existsSync(`${source}-wal`)).toBe(true);
		await program.close();
	});

	test("that is locked is an error in the end", async () => {
		const source = join(temporaryDirectory(), "json.sqlite");
		const program = rawConnection(source);
		await program.run(QUICK_DB, "INSERT INTO json VALUES ('k', '1')", "BEGIN EXCLUSIVE");
		const file = await fileWith([]);
		const { code, message } = await failure(["import", "--from", "quick.db", source, "-f", file], { env });
		expect(code).toBe("SQLITE_BUSY");
		expect(message).toContain(`${source} cannot be read`);
		expect(message).toMatch(/; expected a database that no other program keeps locked; nothing was imported$/);
		await program.run("COMMIT");
	});
});
