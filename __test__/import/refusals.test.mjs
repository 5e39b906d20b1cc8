// Sources that cannot be imported: an error that says what was expected, and nothing imported.

import { spawnSync } from "node:child_process";
import { linkSync, mkdirSync, readdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { environment, failure, fileWith, json, program } from "../cli/cli.mjs";
import { makeSdkFile, raw, rawRows } from "../helpers/raw.mjs";
import { temporaryDirectory } from "../helpers/store.mjs";
import { contentOf, copyOf, env, expectRefused } from "./imported.mjs";

const QUICK_DB = "CREATE TABLE json (ID TEXT PRIMARY KEY, json TEXT)";

describe("a source that is none", () => {
	for (const from of ["quick.db", "enmap", "keyv", "node-persist", "json", "rootcellar"]) {
		test(`of ${from} is refused`, async () => {
			const folder = temporaryDirectory();
			const text = join(folder, "text");
			writeFileSync(text, "this is no database, and no JSON");
			const none = await expectRefused(["--from", from, join(folder, "none")]);
			expect(none).toMatchObject({ code: "ERR_NOT_FOUND", message: expect.stringContaining("there is no ") });
			if (from === "node-persist") {
				expect((await expectRefused(["--from", from, text])).code).toBe("ERR_NOT_A_FOLDER");
				const empty = await expectRefused(["--from", from, folder]);
				expect(empty).toMatchObject({ code: "ERR_INVALID_INPUT", message: expect.stringContaining("; expected the ") });
				return;
			}
			expect((await expectRefused(["--from", from, folder])).code).toBe("ERR_NOT_A_FILE");
			for (const content of ["this is no database, and no JSON", "", "SQLite format 3\0 cut off", '{"a":[1,2']) {
				writeFileSync(text, content);
				const { code, message } = await expectRefused(["--from", from, text]);
				expect(code).toMatch(/^ERR_INVALID_INPUT$|^SQLITE_NOTADB$/);
				expect(message).toMatch(/; expected .*; nothing was imported$/);
			}
			const other = join(folder, "other");
			await raw(other, "CREATE TABLE other (a, b)");
			const { code, message } = await expectRefused(["--from", from, other]);
			expect(code).toBe("ERR_INVALID_INPUT");
			expect(message).toMatch(/; expected .*; nothing was imported$/);
		});
	}
});

test("options that do not fit are refused", async () => {
	const folder = copyOf("quick.db-9");
	const source = join(folder, "json.sqlite");
	const usage = async (...args) => (await failure(["import", ...args], { code: 2, env })).said;
	expect(await usage(source)).toMatch(/name the source of .* with --from/);
	expect(await usage("--from", "quick.db")).toMatch(/name the path/);
	expect(await usage("--from", "redis", source)).toMatch(/Allowed choices are quick.db, enmap/);
	expect(await usage("--from", "quick.db", source, "--split", "2")).toMatch(/--split does not apply to quick.db/);
	expect(await usage("--from", "json", source, "--table", "a")).toMatch(/--table does not apply to json/);
	expect(await usage("--table", "a")).toMatch(/--table does not apply to lines/);
	expect(await usage("--skip")).toMatch(/--skip does not apply to lines/);
	expect(await usage("--from", "json", source, "--split", "0")).toMatch(/expected a number of levels/);
	expect(await usage("--from", "quick.db", source, "--input", source)).toMatch(/--input is for lines/);
	const missing = await expectRefused(["--from", "quick.db", source, "--table", "none"]);
	expect(missing).toMatchObject({ code: "ERR_NOT_FOUND", message: expect.stringContaining("it has json, guilds") });
});

test("the store itself is refused as its source, by any name", async () => {
	const folder = temporaryDirectory();
	const file = await fileWith([{ key: "old", value: 1 }], folder);
	const link = join(folder, "link");
	symlinkSync(file, link);
	for (const path of [file, link]) {
		const { code, message } = await failure(["import", "--from", "rootcellar", path, "-f", file], { env });
		expect([code, message]).toEqual(["ERR_INVALID_INPUT", expect.stringContaining("belongs to the store itself")]);
	}
	expect(await rawRows(file)).toHaveLength(1);
});

test("a report never takes the place of what is imported, by any name and with --force", async () => {
	const lines = temporaryDirectory();
	writeFileSync(join(lines, "keys.jsonl"), '{"key":"a","value":1}\n');
	const sources = [
		[copyOf("quick.db-9"), "json.sqlite", (path) => ["--from", "quick.db", path]],
		[copyOf("lowdb"), "db.json", (path) => ["--from", "json", path]],
		[lines, "keys.jsonl", (path) => ["--input", path]],
	];
	const storage = join(copyOf("node-persist"), "storage");
	const [name] = readdirSync(storage);
	sources.push([storage, name, () => ["--from", "node-persist", storage]]);
	for (const [folder, file, from] of sources) {
		const path = join(folder, file);
		const other = temporaryDirectory();
		symlinkSync(path, join(other, "link"));
		linkSync(path, join(other, "same"));
		const before = contentOf(folder);
		// For a folder, a new file in it is refused, too.
		const reports = [
			path,
			join(other, "link"),
			...(folder === storage ? [join(folder, "new")] : [join(other, "same")]),
		];
		for (const report of reports) {
			const args = [...from(path), "--report", report];
			const { code, message } = await expectRefused([...args, "--force"]);
			expect([code, message]).toEqual(["ERR_FILE_EXISTS", expect.stringContaining("belongs to what is read")]);
			expect((await expectRefused(args)).code).toBe("ERR_FILE_EXISTS");
		}
		expect(contentOf(folder)).toEqual(before);
	}
});

test("a report never takes the place of the store that an import makes", async () => {
	const folder = temporaryDirectory();
	const lines = join(folder, "keys.jsonl");
	writeFileSync(lines, '{"key":"a","value":1}\n');
	const file = join(folder, "new.sqlite3");
	for (const suffix of ["", "-wal", "-shm", "-journal"]) {
		const args = ["import", "--input", lines, "-f", file, "--report", file + suffix, "--force"];
		const { code, message } = await failure(args, { env });
		expect([code, message]).toEqual(["ERR_FILE_EXISTS", expect.stringContaining("belongs to the store itself")]);
	}
	expect(readdirSync(folder)).toEqual(["keys.jsonl"]);
});

test.skipIf(process.platform === "win32")("a report that does not fit is an error, and not cut off", async () => {
	const folder = temporaryDirectory();
	const source = join(folder, "db.json");
	const values = Array.from({ length: 40_000 }, (_, n) => `"${n} ${"k".repeat(100)}":1e400`);
	writeFileSync(source, `{${values}}`);
	const report = join(folder, "report.jsonl");
	const file = join(folder, "new.sqlite3");
	const args = [program, "import", "--from", "json", source, "-f", file, "--dry-run", "--report", report];
	// A limit to the size of a file stands for a full disk.
	const shell = ["-c", 'ulimit -f 3000; exec "$@"', "sh", process.execPath, ...args];
	const { status, stderr } = spawnSync("sh", shell, { env: environment(env), encoding: "utf8" });
	expect([status, stderr]).toEqual([1, expect.stringContaining("(EFBIG)")]);
});

test("a store whose table has another form is refused, with what was expected", async () => {
	for (const table of [
		"CREATE TABLE __rootapp_kv (key TEXT, value TEXT)",
		"CREATE TABLE __rootapp_kv (key TEXT, community_id TEXT, value TEXT)",
		"CREATE TABLE __rootapp_kv (name TEXT, community_id TEXT, value TEXT, expires_at BIGINT)",
		"CREATE TABLE __rootapp_kv (key TEXT PRIMARY KEY, community_id TEXT, value TEXT, expires_at BIGINT) WITHOUT ROWID",
	]) {
		const source = join(temporaryDirectory(), "other.sqlite3");
		await raw(source, table);
		const { code, message } = await expectRefused(["--from", "rootcellar", source]);
		expect(code).toBe("ERR_INVALID_INPUT");
		expect(message).toMatch(/; expected a file of the SDK or of rootcellar, .*; nothing was imported$/);
	}
});

test("of a store, rows that are no keys are left alone, and counted", async () => {
	const source = join(temporaryDirectory(), "sdk.sqlite3");
	await makeSdkFile(source, [{ key: "kept", value: "1" }]);
	const file = await fileWith([]);
	const told = (...args) => json(["import", "--from", "rootcellar", source, "-f", file, "--force", ...args], { env });
	expect(await told("--dry-run")).toMatchObject({ keys: 1, notes: [] });
	await raw(source, "INSERT INTO __rootapp_kv (key, value) VALUES (x'00ff', '2')");
	expect(await told("--dry-run")).toMatchObject({ keys: 1, notes: ["1 row that is no key of a store was left alone"] });
	await raw(
		source,
		`INSERT INTO __rootapp_kv (key, community_id, value) VALUES (x'', 'c', '3'), ('k', x'41', '4'), ('k', '', '5')`,
	);
	expect(await told()).toMatchObject({ keys: 1, notes: ["4 rows that are no keys of a store were left alone"] });
	expect((await rawRows(file)).map(({ key }) => key)).toEqual(["kept"]);
});

test("half of a database is refused, and none of it imported", async () => {
	const source = join(temporaryDirectory(), "json.sqlite");
	await raw(
		source,
		QUICK_DB,
		`WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 5000)
		INSERT INTO json SELECT 'key ' || n, n FROM n`,
	);
	truncateSync(source, 65_536);
	const { code, message } = await expectRefused(["--from", "quick.db", source]);
	expect(code).toMatch(/^SQLITE_CORRUPT/);
	expect(message).toMatch(/; expected a whole database; nothing was imported$/);
});

test("of node-persist, a file that is cut off is named, and others' files are left alone", async () => {
	const folder = copyOf("node-persist");
	const storage = join(folder, "storage");
	writeFileSync(join(storage, "0".repeat(64)), '{"key":"half","val');
	writeFileSync(join(storage, "notes.txt"), "x");
	mkdirSync(join(storage, "folder"));
	const { code, message } = await expectRefused(["--from", "node-persist", storage]);
	expect(code).toBe("ERR_INVALID_INPUT");
	expect(message).toContain(`1 key cannot be imported: the file ${"0".repeat(64)} has a value that is not JSON`);
	const before = contentOf(folder);
	const file = await fileWith([]);
	const told = await json(["import", "--from", "node-persist", storage, "-f", file, "--skip"], { env });
	expect(told).toMatchObject({ keys: 3, notes: ["2 files that are not node-persist's were left alone"] });
	expect(contentOf(folder)).toEqual(before);
});
