import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { openDataStore } from "../../../index.mjs";
import { rejection } from "../../helpers/errors.mjs";
import { temporaryDatabase } from "../../helpers/postgres.mjs";
import { temporaryDirectory } from "../../helpers/store.mjs";
import { COMMITS, storeOn, withFields } from "../store.mjs";

async function storeWithTable() {
	const database = await temporaryDatabase();
	await database.query(
		"CREATE TABLE players (id int PRIMARY KEY, name text, joined timestamptz, tags text[], face bytea)",
	);
	return { database, store: storeOn(database.config) };
}

test("rows and keys are committed together, and are seen within", async () => {
	const { database, store } = await storeWithTable();
	const result = await store.transaction(async (tx) => {
		const joined = new Date("2025-01-02T03:04:05.678Z");
		const inserted = await tx.query("INSERT INTO players VALUES ($1, $2, $3, NULL, $4) RETURNING *", [
			7,
			"ada",
			joined,
			Uint8Array.of(0, 255),
		]);
		expect(inserted).toEqual({
			rows: [{ id: 7, name: "ada", joined, tags: null, face: Uint8Array.of(0, 255) }],
			rowCount: 1,
		});
		await tx.appData.set({ key: "last", value: "ada" });
		expect(await tx.kv.increment("count", 2)).toBe(2);
		expect(await tx.appData.update("last", (name) => `${name}!`)).toBe("ada!");
		expect(await tx.appData.select("%")).toEqual([
			{ key: "last", value: "ada!" },
			{ key: "count", value: 2 },
		]);
		expect((await tx.query("UPDATE players SET name = 'x' WHERE id > $1", [100])).rowCount).toBe(0);
		return "done";
	});
	expect(result).toBe("done");
	expect(await store.appData.get("last")).toBe("ada!");
	expect(await database.query("SELECT name FROM players")).toEqual([{ name: "ada" }]);
});

test("is rolled back when its callback rejects, and a statement that fails is undone alone", async () => {
	const { database, store } = await storeWithTable();
	const failed = store.transaction(async (tx) => {
		await tx.query("INSERT INTO players (id) VALUES (1)");
		await tx.appData.set({ key: "a", value: 1 });
		throw new Error("no");
	});
	await expect(failed).rejects.toThrow("no");
	expect(await store.appData.get("a")).toBeUndefined();
	await store.transaction(async (tx) => {
		await tx.query("INSERT INTO players (id) VALUES (1)");
		await expect(tx.query("INSERT INTO players (id) VALUES (1)")).rejects.toMatchObject({
			code: "ERR_POSTGRES",
			sqlState: "23505",
		});
		await expect(tx.kv.increment("a", 1, { max: 0 })).rejects.toMatchObject({ code: "ERR_OUT_OF_RANGE" });
		await tx.transaction(async (inner) => inner.query("INSERT INTO players (id) VALUES (2)"));
		const undone = tx.transaction(async (inner) => {
			await inner.query("INSERT INTO players (id) VALUES (3)");
			await inner.appData.set({ key: "b", value: 1 });
			throw new Error("inner");
		});
		await expect(undone).rejects.toThrow("inner");
	});
	expect(await database.query("SELECT id FROM players ORDER BY id")).toEqual([{ id: 1 }, { id: 2 }]);
	expect(await store.kv.has("b")).toBe(false);
});

test("keeps others out of what it has read, and holds up writes that are issued meanwhile", async () => {
	const { store, database } = await storeWithTable();
	const other = storeOn(database.config);
	await store.appData.set({ key: "n", value: 1 });
	let isDone = false;
	let locked = () => {};
	const isLocked = new Promise((resolve) => {
		locked = resolve;
	});
	let goOn = () => {};
	const issued = new Promise((resolve) => {
		goOn = resolve;
	});
	const transaction = store.transaction(async (tx) => {
		expect(await tx.kv.increment("n")).toBe(2);
		locked();
		await issued;
		expect(await tx.kv.increment("n")).toBe(3);
		isDone = true;
	});
	await isLocked;
	const behind = [store, other].map(async ({ kv }) => {
		expect(await kv.increment("n")).toBeGreaterThan(3);
		expect(isDone).toBe(true);
	});
	goOn();
	await Promise.all([transaction, ...behind]);
	expect(await store.appData.get("n")).toBe(5);
});

/** Reads of the key `n` by their names. */
const READS = {
	get: (tx) => tx.appData.get("n"),
	has: (tx) => tx.kv.has("n"),
	getMany: (tx) => tx.kv.getMany(["m", "n"]),
	select: (tx) => tx.appData.select("n%"),
	selectValue: (tx) => tx.appData.selectValue("_"),
	list: (tx) => tx.kv.list({ prefix: "n" }),
	"list from the last on": (tx) => tx.kv.list({ reverse: true }),
	listKeys: (tx) => tx.kv.listKeys(),
};

const READS_OF_NOTHING = ["get", "has", "getMany"];

test.each([
	...Object.keys(READS).map((name) => [name, "a key", [{ key: "n", value: 1 }]]),
	...READS_OF_NOTHING.map((name) => [name, "no key", []]),
])("what a %s has found, %s, nobody changes until it ends", async (name, _what, entries) => {
	const { store, database } = await storeWithTable();
	const [other, third] = [storeOn(database.config), storeOn(database.config)];
	await store.appData.set(entries);
	let written;
	await store.transaction(async (tx) => {
		const first = await READS[name](tx);
		let isWritten = false;
		written = other.appData.set({ key: "n", value: 2 }).then(() => {
			isWritten = true;
		});
		// Long enough for a write that nothing holds up.
		for (let times = 0; times < 5; times++) {
			await third.appData.set({ key: "elsewhere", value: times, communityId: "c" });
			expect(await READS[name](tx)).toEqual(first);
			expect(isWritten).toBe(false);
		}
		await tx.appData.set({ key: "n", value: 3 });
	});
	await written;
	expect(await store.appData.get("n")).toBe(2);
});

test("of two stores whose transactions read a key and set it no change is lost, whether the key is there or not", async () => {
	const { store, database } = await storeWithTable();
	const other = storeOn(database.config);
	const add = ({ transaction }) =>
		transaction(async ({ appData }) => {
			const count = (await appData.get("n")) ?? 0;
			await appData.set({ key: "n", value: count + 1 });
		});
	for (let times = 0; times < 20; times++) await Promise.all([add(store), add(other)]);
	expect(await store.appData.get("n")).toBe(40);
});

test("leaves nothing of the keys that it has looked for", async () => {
	const { store, database } = await storeWithTable();
	await store.transaction(async (tx) => {
		await tx.kv.getMany(["a", "b"]);
		expect(await tx.appData.select("%")).toEqual([]);
		await expect(tx.transaction(async (inner) => Promise.reject(await inner.appData.get("c")))).rejects.toBe(undefined);
		await tx.appData.set({ key: "b", value: 1 });
	});
	expect(await database.query("SELECT key, value FROM __rootapp_kv")).toEqual([{ key: "b", value: "1" }]);
});

test("a key that expires in it and is set again comes last", async () => {
	const { store } = await storeWithTable();
	await store.appData.set([
		{ key: "a", value: 1, expiresAt: Date.now() + 1_000 },
		{ key: "b", value: 2 },
	]);
	await store.transaction(async (tx) => {
		await tx.query("SELECT pg_sleep(1.1)::text");
		await tx.appData.set({ key: "a", value: 3 });
		expect(await tx.appData.select("%")).toEqual([
			{ key: "b", value: 2 },
			{ key: "a", value: 3 },
		]);
	});
});

test("limits that its statements have set do not end its commit, which may wait for a deletion", async () => {
	const { database, store } = await storeWithTable();
	const deletion = await database.server.connect(database.name);
	try {
		// As one by a pattern ends.
		await deletion.query(`BEGIN; SELECT pg_advisory_xact_lock(${COMMITS})`);
		const committed = store.transaction(async (tx) => {
			await tx.query("SELECT set_config('statement_timeout', '200', true), set_config('lock_timeout', '100', true)");
			await tx.appData.set({ key: "k", value: 1 });
		});
		await sleep(800);
		await deletion.query("COMMIT");
		await committed;
	} finally {
		await deletion.end();
	}
	expect(await store.appData.get("k")).toBe(1);
});

test("refuses what would end it, what it cannot convert, and arguments that are none", async () => {
	const { store } = await storeWithTable();
	await store.transaction(async (tx) => {
		for (const text of ["COMMIT", "/* x */ rollback", "SET work_mem = 1", "BEGIN"]) {
			await expect(tx.query(text)).rejects.toMatchObject({ code: "ERR_SQL_FORBIDDEN" });
		}
		await expect(tx.query(7)).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT", argument: "text" });
		await expect(tx.query("SELECT $1", [() => {}])).rejects.toMatchObject({ argument: "params[0]" });
		await expect(tx.query("SELECT $1::text, $2::text", [, "b"])).rejects.toMatchObject({ argument: "params[0]" });
		await expect(tx.query("SELECT $1::text", ["a\0"])).rejects.toMatchObject({ argument: "params[0]" });
		await expect(tx.query("SELECT 9007199254740993")).rejects.toMatchObject({ code: "ERR_INEXACT_INTEGER" });
		await expect(tx.query("SELECT ARRAY[1] AS list")).rejects.toThrow("select list::text");
		await expect(tx.query("SELECT secret FROM nothing")).rejects.toMatchObject({ sqlState: "42P01" });
		await expect(tx.run("SELECT 1")).rejects.toMatchObject({ code: "ERR_NOT_ON_POSTGRES" });
		const wrong = tx.query("SELECT $1::int", ["a secret value"]);
		await expect(wrong).rejects.toSatisfy((error) => !error.message.includes("secret") && error.sqlState === "22P02");
		const kinds = "true AS a, 1.5::float8 AS b, 1.50::numeric AS c, '[1]'::jsonb AS d, NULL AS e, 'NaN'::float4 AS f";
		const { rows } = await tx.query(`SELECT ${kinds}, $1::json AS g, $2::int8 AS h`, [{ x: [1] }, 12n]);
		expect(rows).toEqual([{ a: true, b: 1.5, c: "1.50", d: [1], e: null, f: "NaN", g: { x: [1] }, h: 12 }]);
	});
});

test("that is idle for too long, or whose connection is lost, is rolled back and says so", async () => {
	const { database, store } = await storeWithTable();
	const idle = store.transaction(
		async (tx) => {
			await tx.appData.set({ key: "a", value: 1 });
			return new Promise(() => {});
		},
		{ idleTimeoutMs: 50 },
	);
	await expect(idle).rejects.toMatchObject({ code: "ERR_TRANSACTION_TIMEOUT" });
	const lost = store.transaction(async (tx) => {
		const { rows } = await tx.query("SELECT pg_backend_pid() AS pid");
		await tx.appData.set({ key: "a", value: 1 });
		await database.query("SELECT pg_terminate_backend($1)", [rows[0].pid]);
		await tx.appData.set({ key: "b", value: 1 });
	});
	await expect(lost).rejects.toMatchObject({ code: "ERR_TRANSACTION_LOST" });
	expect(await store.kv.getMany(["a", "b"])).toEqual([undefined, undefined]);
	await store.appData.set({ key: "c", value: 1 });
});

test("waits for a lock of others no longer than a write does, and the server ends it where its machine is gone", async () => {
	const { config } = await temporaryDatabase();
	const [store, other] = [1, 2].map(() => storeOn(withFields(config, { timeoutMs: 5_000 })));
	await store.appData.set({ key: "k", value: 1 });
	const options = { idleTimeoutMs: 60_000 };
	await store.transaction(async (tx) => {
		await tx.appData.get("k");
		await other.transaction(async (waiting) => {
			const busy = { code: "ERR_POSTGRES", sqlState: "55P03" };
			expect(await rejection(() => waiting.query("SELECT FROM __rootapp_kv FOR UPDATE"))).toMatchObject(busy);
			expect(await rejection(() => waiting.appData.get("k"))).toMatchObject(busy);
			const writes = ["k", "l"].map((key) => rejection(() => waiting.appData.set({ key, value: 2 })));
			for (const error of await Promise.all(writes)) expect(error).toMatchObject(busy);
			await waiting.appData.set({ key: "other", value: 1 });
			const { rows } = await waiting.query(
				"SELECT current_setting('idle_in_transaction_session_timeout') AS idle, current_setting('lock_timeout') AS lock",
			);
			expect(rows).toEqual([{ idle: "65s", lock: "4s" }]);
		}, options);
	}, options);
	expect(await other.kv.getMany(["k", "l", "other"])).toEqual([1, undefined, 1]);
});

test("on SQLite it is the same method, with the methods of SQLite", async () => {
	const store = openDataStore({ filename: `${temporaryDirectory()}/store.sqlite3`, backup: false });
	await store.transaction(async (tx) => {
		await tx.exec("CREATE TABLE t (n)");
		await tx.run("INSERT INTO t VALUES (1)");
		await tx.kv.increment("n");
	});
	const failed = store.transaction(async (tx) => {
		await tx.kv.increment("n");
		throw new Error("no");
	});
	await expect(failed).rejects.toThrow("no");
	expect([await store.sqlite.all("SELECT n FROM t"), await store.appData.get("n")]).toEqual([[{ n: 1 }], 1]);
	await store.close();
});

test("sqlite and backups refuse, and say what to use instead", async () => {
	const { store } = await storeWithTable();
	for (const name of ["run", "get", "all", "exec", "batch", "prepare", "transaction", "reserve", "migrate"]) {
		await expect(store.sqlite[name]("SELECT 1"), name).rejects.toMatchObject({ code: "ERR_NOT_ON_POSTGRES" });
	}
	await expect(store.sqlite.iterate("SELECT 1").next()).rejects.toThrow("Knex");
	for (const name of ["create", "list", "restore", "restoreKeys", "verify"]) {
		await expect(store.backups[name](), name).rejects.toThrow("pg_basebackup");
	}
	const difference = store.backups.diff({ at: 0 });
	await expect(difference.next()).rejects.toThrow("pg_basebackup");
	await expect(difference.summary()).rejects.toMatchObject({ code: "ERR_NOT_ON_POSTGRES" });
	await difference[Symbol.asyncDispose]();
	expect(() => store.backups.status()).toThrow("on PostgreSQL");
	expect(store.config.databaseType).toBe("pg");
});
