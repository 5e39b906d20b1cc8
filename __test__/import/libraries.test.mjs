// Files that the libraries themselves have made; see make.mjs.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { atTerminal, fileWith, json, rootcellar } from "../cli/cli.mjs";
import { makeSdkFile, raw, rawRows } from "../helpers/raw.mjs";
import { temporaryDirectory } from "../helpers/store.mjs";
import { contentOf, copyOf, env, expectImported, exported } from "./imported.mjs";
import { EXPIRES_AT, SAMPLES } from "./samples.mjs";

describe("an import, of a file that the library has made, carries every key", () => {
	for (const [name, sample] of Object.entries(SAMPLES)) {
		test(name, () => expectImported(sample, copyOf(name)));
	}
});

describe("an import", () => {
	test("takes the tables that are named", async () => {
		const source = join(copyOf("enmap-5"), "enmap.sqlite");
		const file = join(temporaryDirectory(), "bot.sqlite3");
		const args = ["import", "--from", "enmap", source, "-f", file];
		expect((await json([...args, "--table", "users", "special"], { env })).keys).toBe(15);
		expect(await keysIn(file)).toContain("users:1");
		expect(await keysIn(file)).not.toContain("code:fine");
	});

	test("tells the values of enmap 5 from those of enmap 6, whichever made the tables", async () => {
		const source = join(temporaryDirectory(), "enmap.sqlite");
		const changes = "(type TEXT, key TEXT, value TEXT, timestamp INTEGER, pid INTEGER)";
		const tables = { moved: true, old: false, five: true, six: false, empty: true };
		await raw(
			source,
			"CREATE TABLE 'internal::autonum' (enmap TEXT PRIMARY KEY, lastnum INTEGER)",
			...Object.keys(tables).map((name) => `CREATE TABLE ${name} (key text PRIMARY KEY, value text)`),
			...Object.keys(tables)
				.filter((name) => tables[name])
				.map((name) => `CREATE TABLE 'internal::changes::${name}' ${changes}`),
			`INSERT INTO moved VALUES ('a', '{"t":1,"v":"x"}'), ('b', '{"t":5}')`,
			`INSERT INTO old VALUES ('a', '{"x":1}'), ('b', '"t"')`,
			`INSERT INTO five VALUES ('a', '{"t":1,"v":"x"}'), ('b', 'undefined')`,
			`INSERT INTO six VALUES ('a', '{"t":0,"v":{}}'), ('b', '{"x":1}')`,
		);
		const file = join(temporaryDirectory(), "bot.sqlite3");
		const told = await json(["import", "--from", "enmap", source, "-f", file, "--skip"], { env });
		expect(told.refused.first.map(({ key }) => key)).toEqual(["six:b"]);
		expect(Object.fromEntries((await exported(file)).map(({ key, value }) => [key, value]))).toEqual({
			"moved:a": "x",
			"moved:b": null,
			"old:a": { x: 1 },
			"old:b": "t",
			"five:a": { t: 1, v: "x" },
			"five:b": null,
			"six:a": {},
		});
	});

	test("puts a prefix before every key, and stores for a community", async () => {
		const source = join(copyOf("quick.db-9"), "json.sqlite");
		const file = join(temporaryDirectory(), "bot.sqlite3");
		const args = ["import", "--from", "quick.db", source, "-f", file, "--prefix", "old/", "--community", "c"];
		expect((await json(args, { env })).keys).toBe(8);
		const rows = await rawRows(file);
		expect(rows[0]).toMatchObject({ key: "old/user", community_id: "c" });
		expect(rows[7]).toMatchObject({ key: "old/guilds:1", community_id: "c" });
	});

	test("splits a document as deep as is wanted", async () => {
		const source = join(copyOf("lowdb"), "db.json");
		const file = join(temporaryDirectory(), "bot.sqlite3");
		await json(["import", "--from", "json", source, "-f", file, "--split", "2"], { env });
		expect(await keysIn(file)).toEqual(["posts", "users:1", "users:2", "users:none", "version"]);
	});

	test("of another store has the newest row of each key, its expiry and its community", async () => {
		const folder = temporaryDirectory();
		const source = join(folder, "sdk.sqlite3");
		await makeSdkFile(source, [
			{ key: "twice", value: '"old"' },
			{ key: "twice", value: '"new"' },
			{ key: "gone", value: "1", expires_at: 1 },
			{ key: "later", value: "1", expires_at: EXPIRES_AT },
			{ key: "other", value: "1", community_id: "a" },
			{ key: "large", value: "1e400" },
		]);
		const before = contentOf(folder);
		const file = join(temporaryDirectory(), "bot.sqlite3");
		const args = ["import", "--from", "rootcellar", source, "-f", file];
		expect(await json([...args, "--community", "a", "--dry-run"], { env })).toMatchObject({ keys: 1, skipped: 4 - 1 });
		expect(await json(args, { env })).toMatchObject({ keys: 4, inexact: { keys: 1, kinds: { number: 1 } } });
		expect(contentOf(folder)).toEqual(before);
		expect(await exported(file)).toEqual([
			{ key: "twice", value: "new" },
			{ key: "later", value: 1, expiresAt: new Date(EXPIRES_AT).toISOString() },
			{ key: "other", communityId: "a", value: 1 },
			{ key: "large", value: "Infinity" },
		]);
	});

	test("that is a trial leaves a store that is there as it was, and what is beside it", async () => {
		const source = join(copyOf("quick.db-9"), "json.sqlite");
		const folder = temporaryDirectory();
		const file = await fileWith([{ key: "old", value: 1 }], folder);
		const before = contentOf(folder);
		const args = ["import", "--from", "quick.db", source, "-f", file, "--dry-run"];
		expect(await json(args)).toMatchObject({ keys: 8, dryRun: true });
		expect(contentOf(folder)).toEqual(before);
		expect(readdirSync(folder)).toEqual(Object.keys(before));
	});

	test("of lines has the same options", async () => {
		const folder = temporaryDirectory();
		const file = join(folder, "bot.sqlite3");
		const input = '{"key":"a","value":1}\n{"key":"b","value":2,"communityId":"c"}\n';
		const args = ["import", "-f", file, "--prefix", "old/"];
		const { stdout } = await rootcellar([...args, "--dry-run"], { env, input });
		expect(stdout).toBe("2 keys would be imported\n");
		expect(readdirSync(folder)).toEqual([]);
		expect(await json(args, { env, input })).toMatchObject({ keys: 2 });
		expect(await exported(file)).toEqual([
			{ key: "old/a", value: 1 },
			{ key: "old/b", communityId: "c", value: 2 },
		]);
	});

	test("tells in words what could not be carried over exactly", async () => {
		const source = join(copyOf("enmap-5"), "enmap.sqlite");
		const file = join(temporaryDirectory(), "bot.sqlite3");
		const { stdout } = await rootcellar(["import", "--from", "enmap", source, "-f", file, "--skip"], { env });
		expect(stdout).toContain("16 keys were imported\n");
		expect(stdout).toContain('  "code:arrow", row 1 of code, has code in its value, which is not run\n');
		expect(stdout).toContain('  "special:map", row 5 of special, has date, map\n');
		expect(stdout).toContain("bigint (2): a BigInt became its decimal text\n");
		expect(stdout).not.toContain("123456789012345678901234567890");
	});

	test("shows bars at a terminal, and leaves the result on it", async () => {
		const folder = temporaryDirectory();
		const source = join(folder, "json.sqlite");
		await raw(
			source,
			"CREATE TABLE json (ID TEXT PRIMARY KEY, json TEXT)",
			`WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 20000)
			INSERT INTO json SELECT 'key ' || n, n FROM n`,
		);
		const { code, shown } = await atTerminal([
			"import",
			"--from",
			"quick.db",
			source,
			"-f",
			join(folder, "bot.sqlite3"),
		]);
		expect([code, shown]).toEqual([0, expect.stringContaining("20000 keys were imported")]);
		expect(shown).toMatch(/reading .*% of the rows/);
		expect(shown).toMatch(/importing .*% of the rows/);
	});
});

async function keysIn(file) {
	return (await exported(file)).map(({ key }) => key);
}
