// Keys that exist or cannot be imported, and sources that are in use.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { failure, fileWith, json } from "../cli/cli.mjs";
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
			expect(message).toBe(
				'the key "coins", row 6 of json, exists, or one before it has become the same; nothing was imported, and --force overwrites',
			);
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
		expect([code, message]).toEqual(["ERR_KEY_EXISTS", expect.stringContaining('the key "a:1", row 1 of a, exists')]);
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
		// What is not committed is not there.
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
