// `npx rootcellar migrate`, `export` and `import` between SQLite and PostgreSQL.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { openDataStore } from "rootcellar";
import { describe, expect, onTestFinished, test } from "vitest";
import { environment, failure, json, program, rootcellar } from "../cli/cli.mjs";
import { postgres, storeOn, temporaryDatabase } from "../helpers/postgres.mjs";
import { makeSdkFile, raw } from "../helpers/raw.mjs";
import { temporaryFile, temporaryStore } from "../helpers/store.mjs";
import { makeSdkTable, sdkRows } from "./sdk-table.mjs";

const require = createRequire(import.meta.url);
const { postgresFrom } = require("../../lib/config/postgres/postgres.js");
const { openAdmin } = require("../../lib/native/postgres/admin.js");

const LATER = new Date(4_102_444_800_000);

const off = { ROOTCELLAR_BACKUP: "off" };

/** Entries of two communities, whose order is not that of their keys. */
const ENTRIES = [
	{ key: "z", value: { n: [1, 2.5, null, true], text: '\u{1F600} \u0000 \\ " \u2028' } },
	{ key: "a", value: "first letter, second place" },
	{ key: "m", value: 1e21, expiresAt: LATER },
	{ key: "a", value: "of a community", communityId: "one" },
	{ key: "", value: "", communityId: "one", expiresAt: LATER },
];

async function fill({ appData }, entries = ENTRIES) {
	for (const entry of entries) await appData.set(entry);
}

async function contentOf({ appData }) {
	return [await appData.select("%"), await appData.select("%", "one")];
}

/** A file with entries, closed. */
async function makeFile(entries = ENTRIES) {
	const filename = temporaryFile();
	const store = openDataStore({ filename, backup: false });
	await fill(store, entries);
	await store.close();
	return filename;
}

const manyEntries = (count) => Array.from({ length: count }, (_, n) => ({ key: `k:${n % 7}:${n}`, value: { n } }));

async function makeManyKeys(count) {
	const filename = temporaryFile();
	const store = openDataStore({ filename, backup: false });
	await store.appData.set(manyEntries(count));
	await store.close();
	return filename;
}

describe("migrate", () => {
	test("carries everything over and back, in its order, and says what it has compared", async () => {
		const [from, database, to] = [await makeFile(), await temporaryDatabase(), temporaryFile()];
		const there = await json(["migrate", "--from", from, "--to", database.url], { env: off });
		const hash = expect.stringMatching(/^[0-9a-f]{64}$/);
		expect(there).toEqual({ keys: 5, carriedOver: 5, present: 0, leftOut: 0, hash });
		const store = storeOn(database.config);
		const content = await contentOf(temporaryStore(from));
		expect(content[0].map(({ key }) => key)).toEqual(["z", "a", "m"]);
		expect(await contentOf(store)).toEqual(content);

		// The other store is what DATABASE_CONFIG says, so that no password is on the command line.
		const back = await json(["migrate", "--to", to], { env: { ...off, DATABASE_CONFIG: database.config } });
		expect(back).toEqual(there);
		expect(await contentOf(temporaryStore(to))).toEqual(content);
		const { stdout } = await rootcellar(["migrate", "--from", database.url, "--to", to], { env: off });
		expect(stdout).toContain("5 keys");
		expect(stdout).toContain(there.hash);
		expect(stdout).not.toContain(encodeURIComponent(database.server.password));
	});

	test("goes on where it was interrupted", async () => {
		const from = await makeManyKeys(30_000);
		const database = await temporaryDatabase();
		const args = [program, "migrate", "--from", from, "--to", database.url, "--json"];
		const child = spawn(process.execPath, args, { env: environment(off), stdio: "ignore" });
		onTestFinished(() => child.kill("SIGKILL"));
		const ended = once(child, "exit");
		const count = async () => {
			try {
				const [{ n }] = await database.query("SELECT count(*)::int AS n FROM __rootapp_kv");
				return n;
			} catch {
				// The table is not there yet.
				return 0;
			}
		};
		while ((await count()) < 2_000 && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 5));
		child.kill("SIGKILL");
		await ended;
		const present = await count();
		const { keys, carriedOver, ...rest } = await json(["migrate", "--from", from, "--to", database.url], { env: off });
		expect({ keys, carriedOver }).toEqual({ keys: 30_000, carriedOver: 30_000 - present });
		expect(rest.present).toBe(present);
		expect((await storeOn(database.config).appData.select("%")).length).toBe(30_000);
	});

	test("again, when it is done, compares and writes nothing", async () => {
		const [from, { url, query }] = [await makeFile(), await temporaryDatabase()];
		const first = await json(["migrate", "--from", from, "--to", url], { env: off });
		const rows = await query("SELECT xmin::text, * FROM __rootapp_kv ORDER BY __rootcellar_order");
		const second = await json(["migrate", "--from", from, "--to", url], { env: off });
		expect(second).toEqual({ ...first, carriedOver: 0, present: 5 });
		expect(await query("SELECT xmin::text, * FROM __rootapp_kv ORDER BY __rootcellar_order")).toEqual(rows);
	});

	test("leaves out what has expired", async () => {
		const filename = temporaryFile();
		await makeSdkFile(filename, [
			{ key: "gone", value: "1", expires_at: Date.now() - 1_000 },
			{ key: "here", value: "2", expires_at: Date.now() + 3_600_000 },
		]);
		const { url, config } = await temporaryDatabase();
		expect(await json(["migrate", "--from", filename, "--to", url], { env: off })).toMatchObject({ keys: 1 });
		expect(await storeOn(config).appData.get("here")).toBe(2);
	});

	test("writes over what has expired in the target, which nobody has purged", async () => {
		const from = await makeFile();
		const { url, config, query } = await temporaryDatabase();
		await storeOn(config).appData.get("z");
		await query(
			`INSERT INTO __rootapp_kv (key, value, expires_at, __rootcellar_order)
			VALUES ('m', '"gone"', now() - interval '1 minute', 1), ('other', '"gone"', now() - interval '1 minute', 2)`,
		);
		expect(await json(["migrate", "--from", from, "--to", url], { env: off })).toMatchObject({ carriedOver: 5 });
		expect(await contentOf(storeOn(config))).toEqual(await contentOf(temporaryStore(from)));
	});

	test("reads a page of a bounded length at a time, however long the role lets a transaction rest", async () => {
		const { config, query, server, name } = await temporaryDatabase();
		const store = storeOn(config);
		await store.appData.set(manyEntries(3_000));
		const role = `ALTER ROLE ${server.username} IN DATABASE ${name}`;
		await query(`${role} SET idle_in_transaction_session_timeout = '1ms'`);
		const to = temporaryFile();
		expect(await json(["migrate", "--to", to], { env: { ...off, DATABASE_CONFIG: config } })).toMatchObject({
			keys: 3_000,
		});

		await query(`${role} RESET ALL`);
		await store.appData.deleteLike("%");
		await store.appData.set(Array.from({ length: 40 }, (_, n) => ({ key: `${n}`, value: "x".repeat(1_000_000) })));
		const admin = await openAdmin(postgresFrom(JSON.parse(config), {}));
		onTestFinished(() => admin.close());
		const [first, second] = [await admin.exportPage(true), await admin.exportPage(false)];
		expect([first.hasMore, first.rows.length]).toEqual([true, 16]);
		expect([second.hasMore, second.rows.length]).toEqual([true, 16]);
	});

	test("refuses a target with keys of its own, and one of which a key differs, and leaves it as it was", async () => {
		const from = await makeFile();
		for (const entry of [
			{ key: "other", value: 1 },
			{ key: "z", value: "another value" },
		]) {
			const { url, config } = await temporaryDatabase();
			const store = storeOn(config);
			await store.appData.set(entry);
			const { code, said } = await failure(["migrate", "--from", from, "--to", url], { env: off });
			expect(code).toBe("ERR_KEY_EXISTS");
			expect(said).toContain(JSON.stringify(entry.key));
			expect(await contentOf(store)).toEqual([[entry], []]);
		}
		const { url } = await temporaryDatabase();
		await json(["migrate", "--from", from, "--to", url], { env: off });
		const to = await makeFile([{ key: "other", value: 1 }]);
		expect((await failure(["migrate", "--from", url, "--to", to], { env: off })).code).toBe("ERR_KEY_EXISTS");
	});

	test("makes no tables, and adopts none, where it refuses", async () => {
		const [from, { url, config, query }] = [await makeFile(), await temporaryDatabase()];
		await makeSdkTable(query, sdkRows);
		const columns =
			"SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2";
		const [before, rows] = [await query(columns), await query("SELECT * FROM __rootapp_kv")];
		const { code, said } = await failure(["migrate", "--from", from, "--to", url], { env: off });
		expect([code, said]).toEqual(["ERR_ADOPTION_NEEDED", expect.stringContaining("npx rootcellar migrate")]);
		expect(said).not.toContain("DATABASE_CONFIG");
		expect([await query(columns), await query("SELECT * FROM __rootapp_kv")]).toEqual([before, rows]);

		const env = { ...off, DATABASE_CONFIG: config };
		await json(["migrate"], { env });
		expect((await failure(["migrate", "--from", from, "--to", url], { env: off })).code).toBe("ERR_KEY_EXISTS");
	});

	test("adopts an empty table of the SDK's, and fills it", async () => {
		const [from, { url, config, query }] = [await makeFile(), await temporaryDatabase()];
		await makeSdkTable(query, []);
		await query("ANALYZE __rootapp_kv");
		expect(await json(["migrate", "--from", from, "--to", url], { env: off })).toMatchObject({ present: 0 });
		expect((await contentOf(storeOn(config)))[0].length).toBeGreaterThan(0);
	});

	test("refuses what PostgreSQL cannot hold before anything is written", async () => {
		const filename = temporaryFile();
		await makeSdkFile(filename, [{ key: "not JSON", value: "{half" }]);
		const store = openDataStore({ filename, backup: false });
		await fill(store, [
			{ key: "fine", value: 1 },
			{ key: "k".repeat(2_001), value: 1 },
			{ key: "a\0b", value: 1 },
		]);
		await store.close();
		const { url, query } = await temporaryDatabase();
		const { code, said } = await failure(["migrate", "--from", filename, "--to", url], { env: off });
		expect(code).toBe("ERR_INVALID_INPUT");
		expect(said).toMatch(/3 keys cannot be stored.*more than 2000 bytes.*NUL/s);
		expect(said).toContain("its value is not JSON");
		expect(await query("SELECT to_regclass('__rootapp_kv') AS made")).toEqual([{ made: null }]);
	});

	test("names its own option, and no secret, where a URL cannot be used or no server answers", async () => {
		const from = await makeFile();
		const { server, name } = await temporaryDatabase();
		const secret = encodeURIComponent(server.password);
		for (const [url, code, exit] of [
			[`postgres://u:${secret}@h/d?pool=7`, "ERR_INVALID_CONFIG", 2],
			[`postgres://u:${secret}/${secret}@h/d`, "ERR_INVALID_CONFIG", 2],
			[`postgres://u:${secret}x@${server.host}:${server.port}/${name}`, "ERR_POSTGRES", 1],
			[`postgres://${server.username}:${secret}@${server.host}:${server.port}/none`, "ERR_POSTGRES", 1],
			[`postgres://${server.username}@${server.host}:${server.port}/${name}`, "ERR_POSTGRES", 1],
		]) {
			const { code: found, said } = await failure(["migrate", "--from", from, "--to", url], { env: off, code: exit });
			expect(found).toBe(code);
			expect(said).toContain("--to");
			expect(said).not.toContain("DATABASE_CONFIG");
			expect(said).not.toContain(secret);
			expect(said).not.toContain(server.password);
		}
		const missing = temporaryFile();
		expect((await failure(["migrate", "--from", missing, "--to", server.url(name)], { env: off })).code).toBe(
			"ERR_NOT_FOUND",
		);
		expect((await failure(["migrate"], { env: off, code: 2 })).code).toBe("ERR_USAGE");
	});
});

describe("a large table of the SDK's", () => {
	test("is refused at first use, and adopted by migrate", async () => {
		const { config, query, server, name } = await temporaryDatabase();
		await makeSdkTable((text, parameters) => server.query(text, parameters, name), []);
		await query(
			`INSERT INTO __rootapp_kv (key, value) SELECT 'k' || n % 100001, n::text FROM generate_series(1, 100003) AS n`,
		);
		const store = storeOn(config);
		await expect(store.appData.get("k7")).rejects.toMatchObject({ code: "ERR_ADOPTION_NEEDED" });
		const env = { DATABASE_CONFIG: config };
		expect((await failure(["export"], { env })).code).toBe("ERR_ADOPTION_NEEDED");
		// The role's own limit is not meant for what an operator asks for once.
		await query(`ALTER ROLE ${server.username} IN DATABASE ${name} SET statement_timeout = '250ms'`);
		for (const removed of [2, 0]) {
			const { keys, duplicates } = await json(["migrate"], { env });
			expect(Math.abs(keys - 100_001)).toBeLessThan(2_000);
			expect(duplicates).toBe(removed);
		}
		await query(`ALTER ROLE ${server.username} IN DATABASE ${name} RESET statement_timeout`);
		expect(await store.appData.get("k7")).toBe(7);
		expect(await store.appData.get("k1")).toBe(100_002);
		expect(await store.kv.count()).toBe(100_001);
	});
});

test("a small table of the SDK's can be adopted by migrate as well, which says what it has removed", async () => {
	const { config, query } = await temporaryDatabase();
	await makeSdkTable(query, [
		{ key: "k", value: 1 },
		{ key: "k", value: 2 },
		{ key: "other", value: 3 },
	]);
	const env = { DATABASE_CONFIG: config };
	const { stdout } = await rootcellar(["migrate"], { env });
	expect(stdout).toContain("about 2 keys; 1 older row of keys that had several was removed");
	expect((await rootcellar(["migrate"], { env })).stdout).toMatch(/about 2 keys$/m);
	expect(await storeOn(config).appData.get("k")).toBe(2);
});

describe("export and import", () => {
	test("of a database that no store has used yet: there is nothing, and that is no error", async () => {
		const { config, query, url } = await temporaryDatabase();
		const env = { ...off, DATABASE_CONFIG: config };
		const { stdout, stderr, code } = await rootcellar(["export"], { env });
		expect([stdout, stderr, code]).toEqual(["", "", 0]);
		const output = temporaryFile("keys.jsonl");
		expect(await json(["export", "--output", output], { env })).toEqual({ keys: 0, file: output });
		expect(await json(["migrate", "--from", url, "--to", temporaryFile()], { env: off })).toMatchObject({ keys: 0 });
		expect(await query("SELECT to_regclass('__rootapp_kv') AS made")).toEqual([{ made: null }]);
		expect(await json(["import"], { env, input: '{"key":"k","value":1}\n' })).toMatchObject({ keys: 1 });
		expect(await storeOn(config).appData.get("k")).toBe(1);
	});

	test("carry everything over and back: the lines are the same", async () => {
		const [from, database, to] = [await makeFile(), await temporaryDatabase(), temporaryFile()];
		const env = { ...off, DATABASE_CONFIG: database.config };
		const { stdout: lines } = await rootcellar(["export", "--file", from], { env: off });
		expect(lines.trimEnd().split("\n")).toHaveLength(5);
		expect(await json(["import"], { env, input: lines })).toMatchObject({ keys: 5 });
		const { stdout: again, stderr } = await rootcellar(["export"], { env });
		expect([again, stderr]).toEqual([lines, ""]);
		const output = temporaryFile("keys.jsonl");
		expect(await json(["export", "--output", output], { env })).toEqual({ keys: 5, file: output });
		expect(readFileSync(output, "utf8")).toBe(lines);
		await json(["import", "--input", output, "--file", to], { env });
		expect((await rootcellar(["export", "--file", to], { env: off })).stdout).toBe(lines);
		const { stdout: one } = await rootcellar(["export", "--community", "one"], { env });
		expect(one.trimEnd().split("\n")).toHaveLength(2);
	});

	test("leave out what has expired, and so does migrate", async () => {
		const { config, query, url } = await temporaryDatabase();
		const env = { ...off, DATABASE_CONFIG: config };
		await storeOn(config).appData.set(["gone", "here", "later"].map((key) => ({ key, value: key, expiresAt: LATER })));
		await query("UPDATE __rootapp_kv SET expires_at = now() - interval '1 second' WHERE key = 'gone'");
		const { stdout } = await rootcellar(["export"], { env });
		expect(
			stdout
				.trimEnd()
				.split("\n")
				.map((line) => JSON.parse(line).key),
		).toEqual(["here", "later"]);
		const output = temporaryFile("keys.jsonl");
		expect(await json(["export", "--output", output], { env })).toEqual({ keys: 2, file: output });
		const to = temporaryFile();
		expect(await json(["migrate", "--from", url, "--to", to], { env: off })).toMatchObject({ keys: 2, carriedOver: 2 });
		const rows = await raw(to, "SELECT key FROM __rootapp_kv ORDER BY rowid");
		expect(rows.map(({ key }) => key)).toEqual(["here", "later"]);
	});

	test("import stores all or nothing, and overwrites only what it is told to", async () => {
		const database = await temporaryDatabase();
		const env = { ...off, DATABASE_CONFIG: database.config };
		const store = storeOn(database.config);
		await store.appData.set({ key: "here", value: 1 });
		const input = temporaryFile("keys.jsonl");
		writeFileSync(input, '{"key":"new","value":1}\n{"key":"here","value":2}\n');
		for (const args of [
			["import", "--input", input],
			["import", "--input", input, "--dry-run"],
		]) {
			const { code, message } = await failure(args, { env });
			expect([code, message]).toEqual(["ERR_KEY_EXISTS", expect.stringContaining("the key of line 2 exists;")]);
			expect(await contentOf(store)).toEqual([[{ key: "here", value: 1 }], []]);
		}
		expect(await json(["import", "--input", input, "--force"], { env })).toMatchObject({ keys: 2 });
		expect(await store.appData.get("here")).toBe(2);
		const twice = '{"key":"x","value":1}\n{"key":"x","value":2}\n';
		const { code, message } = await failure(["import"], { env, input: twice });
		expect([code, message]).toEqual([
			"ERR_KEY_EXISTS",
			expect.stringContaining("the key of line 2 is that of a line before;"),
		]);
		expect(await store.appData.get("x")).toBeUndefined();
	});

	test("a trial of import makes no tables, and adopts none", async () => {
		const { config, query } = await temporaryDatabase();
		const env = { ...off, DATABASE_CONFIG: config };
		const relations = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1";
		const [input, twice] = [temporaryFile("keys.jsonl"), temporaryFile("twice.jsonl")];
		writeFileSync(input, '{"key":"new","value":1}\n');
		writeFileSync(twice, '{"key":"x","value":1}\n{"key":"x","value":2}\n');
		const trial = (path, ...args) => ["import", "--input", path, "--dry-run", ...args];
		for (const args of [[], ["--force"]]) {
			expect(await json(trial(input, ...args), { env })).toMatchObject({ keys: 1 });
		}
		expect((await failure(trial(twice), { env })).code).toBe("ERR_KEY_EXISTS");
		expect(await query(relations)).toEqual([]);

		await makeSdkTable(query, []);
		expect(await json(trial(input), { env })).toMatchObject({ keys: 1 });
		expect(await query("SELECT to_regclass('__rootcellar_writers') AS made")).toEqual([{ made: null }]);
		await query("DROP TABLE __rootapp_kv");
		await makeSdkTable(query, sdkRows);
		const [before, rows] = [await query(relations), await query("SELECT * FROM __rootapp_kv")];
		expect((await failure(trial(input), { env })).code).toBe("ERR_ADOPTION_NEEDED");
		expect([await query(relations), await query("SELECT * FROM __rootapp_kv")]).toEqual([before, rows]);

		await storeOn(config).appData.get("a");
		const writers = "SELECT * FROM __rootcellar_writers";
		const known = await query(writers);
		expect(await json(trial(input), { env })).toMatchObject({ keys: 1 });
		expect([await query(writers), await storeOn(config).appData.get("new")]).toEqual([known, undefined]);
	});

	test("import refuses what PostgreSQL cannot hold, or leaves it out, and names it", async () => {
		const { config } = await temporaryDatabase();
		const env = { ...off, DATABASE_CONFIG: config };
		const source = temporaryFile("db.json");
		writeFileSync(source, JSON.stringify({ fine: 1, ["k".repeat(2_001)]: 2, "a\0b": 3 }));
		const args = ["import", "--from", "json", source];
		for (const way of [[], ["--dry-run"]]) {
			const { code, message } = await failure([...args, ...way], { env });
			expect(code).toBe("ERR_INVALID_INPUT");
			expect(message).toMatch(/2 keys cannot be imported: .*more than 2000 bytes.*NUL.*nothing was imported/s);
		}
		expect(await json([...args, "--skip"], { env })).toMatchObject({ keys: 1 });
		expect(await contentOf(storeOn(config))).toEqual([[{ key: "fine", value: 1 }], []]);
	});
});

test("commands about a file refuse a database, and say why", async () => {
	const { config } = await temporaryDatabase();
	const server = await postgres();
	for (const command of ["backup", "list", "verify", "restore", "reset"]) {
		const { code, said } = await failure([command], { env: { DATABASE_CONFIG: config } });
		expect(code).toBe("ERR_NOT_ON_POSTGRES");
		expect(said).toContain("--file");
		expect(said).not.toContain(server.password);
	}
});

test("nothing else has been stored in the file", async () => {
	const from = await makeFile();
	const { url } = await temporaryDatabase();
	const before = await raw(from, "SELECT count(*) AS n, max(rowid) AS last FROM __rootapp_kv");
	await json(["migrate", "--from", from, "--to", url], { env: off });
	expect(await raw(from, "SELECT count(*) AS n, max(rowid) AS last FROM __rootapp_kv")).toEqual(before);
});
