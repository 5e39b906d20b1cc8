// reserve: the writing connection for libraries that begin and end transactions themselves.

import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { expectFailure, rejection } from "../../helpers/errors.mjs";
import { numbers, storeWithRows, valuesOf } from "../tables.mjs";

const INSERT = "INSERT INTO t (a) VALUES (?)";

describe("a reserved connection", () => {
	test("takes BEGIN, COMMIT, ROLLBACK and savepoints, by every method", async () => {
		const { sqlite } = await storeWithRows();
		const connection = await sqlite.reserve();
		await connection.run("BEGIN IMMEDIATE");
		await connection.run(INSERT, ["kept"]);
		await connection.exec("SAVEPOINT s; INSERT INTO t (a) VALUES ('undone'); ROLLBACK TO s; RELEASE s");
		expect(await valuesOf(connection)).toEqual(["kept"]);
		expect(await valuesOf(sqlite)).toEqual([]);
		await connection.batch([{ sql: "COMMIT" }]);
		await connection.exec("BEGIN; INSERT INTO t (a) VALUES ('gone')");
		await connection.run("ROLLBACK");
		await connection.release();
		expect(await valuesOf(sqlite)).toEqual(["kept"]);
	});

	test("commits each statement on its own outside of a transaction, and has every method", async () => {
		const { sqlite } = await storeWithRows();
		const connection = await sqlite.reserve();
		expect(await connection.run(INSERT, ["x"])).toMatchObject({ changes: 1, lastInsertRowid: 1 });
		expect(await connection.all("INSERT INTO t (a) VALUES ('y') RETURNING id")).toEqual([{ id: 2 }]);
		expect(await connection.get("SELECT a FROM t WHERE id = ?", 2)).toEqual({ a: "y" });
		expect(await connection.sql`SELECT a FROM t WHERE id = ${1}`).toEqual([{ a: "x" }]);
		expect(await valuesOf(sqlite)).toEqual(["x", "y"]);
		const failed = connection.batch([
			{ sql: INSERT, params: ["z"] },
			{ sql: INSERT, params: ["x"] },
		]);
		await expect(failed).rejects.toMatchObject({ code: "SQLITE_CONSTRAINT_UNIQUE" });
		const statement = await connection.prepare("SELECT a FROM t ORDER BY id");
		expect(await statement.all([], { rowMode: "array" })).toEqual([["x"], ["y"]]);
		const seen = [];
		for await (const row of connection.iterate("SELECT a FROM t ORDER BY id")) seen.push(row.a);
		expect(seen).toEqual(["x", "y"]);
		await connection.release();
	});

	test("takes VACUUM, and schema changes with foreign keys off", async () => {
		const { sqlite } = await storeWithRows(2);
		await sqlite.exec("CREATE TABLE child (t INTEGER REFERENCES t (id)); INSERT INTO child VALUES (1)");
		const connection = await sqlite.reserve();
		await connection.run("PRAGMA foreign_keys = OFF");
		await connection.exec(`BEGIN; CREATE TABLE u (id INTEGER PRIMARY KEY, a TEXT); INSERT INTO u SELECT id, a FROM t;
			DROP TABLE t; ALTER TABLE u RENAME TO t; COMMIT`);
		expect(await connection.all("PRAGMA foreign_key_check")).toEqual([]);
		await connection.run("PRAGMA foreign_keys = ON");
		await connection.run("VACUUM");
		expect(await connection.all("SELECT * FROM child")).toEqual([{ t: 1 }]);
		await connection[Symbol.asyncDispose]();
	});

	test("rolls back what is open when it is released, and rejects from then on", async () => {
		const { sqlite } = await storeWithRows();
		const connection = await sqlite.reserve();
		await connection.run("BEGIN");
		await connection.run(INSERT, ["x"]);
		const last = connection.run(INSERT, ["y"]);
		await connection.release();
		await connection.release();
		expect(await last).toMatchObject({ changes: 1 });
		for (const call of [
			() => connection.run("SELECT 1"),
			() => connection.all("SELECT 1"),
			() => connection.exec(""),
		]) {
			await expectFailure(call, "ERR_TRANSACTION_CLOSED");
		}
		expect(await valuesOf(sqlite)).toEqual([]);
	});

	test("is exclusive: writes wait for it in their order, reads do not, and the next has its turn", async () => {
		const { sqlite, appData } = await storeWithRows();
		const connection = await sqlite.reserve();
		const order = [];
		const waiting = [
			appData.set({ key: "k", value: 1 }).then(() => order.push("set")),
			sqlite.reserve().then(async (next) => {
				order.push("reserved");
				await next.run(INSERT, ["second"]);
				await next.release();
			}),
			sqlite.run(INSERT, ["third"]).then(() => order.push("run")),
		];
		await connection.run(INSERT, ["first"]);
		await sleep(20);
		expect(order).toEqual([]);
		await connection.release();
		await Promise.all(waiting);
		expect(order).toEqual(["set", "reserved", "run"]);
		expect(await valuesOf(sqlite)).toEqual(["first", "second", "third"]);
	});

	test("that is idle for too long is rolled back and taken back, and says so", async () => {
		const { sqlite } = await storeWithRows();
		const connection = await sqlite.reserve({ idleTimeoutMs: 5_000 });
		await connection.run("BEGIN");
		await connection.run(INSERT, ["x"]);
		await sqlite.run(INSERT, ["from the store"]);
		await expectFailure(() => connection.run(INSERT, ["y"]), "ERR_TRANSACTION_TIMEOUT");
		await connection.release();
		expect(await valuesOf(sqlite)).toEqual(["from the store"]);
	});

	test("can be given up while it is waited for", async () => {
		const { sqlite } = await storeWithRows();
		const connection = await sqlite.reserve();
		await expectFailure(() => sqlite.reserve({ timeoutMs: 20 }), "ERR_TIMEOUT");
		expect(await rejection(() => sqlite.reserve({ signal: AbortSignal.abort() }))).toMatchObject({ code: "ABORT_ERR" });
		await connection.release();
		const next = await sqlite.reserve({ timeoutMs: 60_000 });
		await sleep(10);
		expect(await next.run(INSERT, ["x"])).toMatchObject({ changes: 1 });
		await next.release();
	});

	test("that is granted while it is given up is given back", async () => {
		const { sqlite } = await storeWithRows();
		const controller = new AbortController();
		const reserved = rejection(() => sqlite.reserve({ signal: controller.signal }));
		for (let turn = 0; turn < 10; turn++) await undefined;
		// Time for it to be granted, which nobody hears of meanwhile.
		Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
		controller.abort();
		expect(await reserved).toMatchObject({ code: "ABORT_ERR" });
		await sqlite.run(INSERT, ["x"]);
	});

	test("keeps what SQLite keeps of a script and of a statement that fail, and nothing of a batch", async () => {
		const { sqlite } = await storeWithRows(1);
		const connection = await sqlite.reserve();
		const fails = "INSERT OR FAIL INTO t (a) VALUES";
		for (const call of [
			() => connection.exec("INSERT INTO t (a) VALUES ('script'); INSERT INTO t (a) VALUES ('row 1')"),
			() => connection.run(`${fails} ('statement'), ('row 1')`),
			() => connection.batch([{ sql: INSERT, params: ["batch"] }, { sql: `${fails} ('fails'), ('row 1')` }]),
		]) {
			expect(await rejection(call)).toMatchObject({ code: "SQLITE_CONSTRAINT_UNIQUE" });
		}
		await connection.release();
		expect(await valuesOf(sqlite)).toEqual(["row 1", "script", "statement"]);
	});

	test("runs nothing behind a transaction that SQLite itself has rolled back, until ROLLBACK", async () => {
		const { sqlite } = await storeWithRows(1);
		const connection = await sqlite.reserve();
		const fails = "INSERT OR ROLLBACK INTO t (a) VALUES ('row 1')";
		const loses = [
			() => connection.run(fails),
			() => connection.all(`${fails} RETURNING id`),
			() => connection.exec(`SAVEPOINT s; ${fails}`),
			() => connection.batch([{ sql: INSERT, params: ["in a batch"] }, { sql: fails }]),
			() => connection.run(`${numbers()} INSERT INTO t (a) SELECT 'n' || i FROM numbers`, [], { timeoutMs: 50 }),
		];
		const behind = [
			() => connection.run(INSERT, ["behind"]),
			() => connection.all("SELECT a FROM t"),
			() => connection.iterate("SELECT a FROM t").next(),
			() => connection.batch([{ sql: INSERT, params: ["behind"] }]),
			() => connection.exec("INSERT INTO t (a) VALUES ('behind'); COMMIT"),
			() => connection.run("BEGIN"),
			() => connection.run("ROLLBACK TO s"),
			() => connection.run("COMMIT"),
		];
		const ends = [
			() => connection.run("ROLLBACK"),
			() => connection.batch([{ sql: "ROLLBACK" }]),
			() => connection.exec("ROLLBACK; BEGIN; COMMIT"),
		];
		for (const [n, lose] of loses.entries()) {
			await connection.exec("BEGIN; INSERT INTO t (a) VALUES ('before')");
			expect((await rejection(lose)).code).toMatch(/^(SQLITE_CONSTRAINT_UNIQUE|ERR_TIMEOUT)$/);
			for (const call of behind) expect(await rejection(call)).toMatchObject({ code: "ERR_TRANSACTION_LOST" });
			await ends[n % ends.length]();
			expect(await valuesOf(connection)).toEqual(["row 1"]);
		}
		// Where nothing is open nothing is lost: the next statement is one of its own.
		for (const lose of loses.slice(0, 2)) {
			expect(await rejection(lose)).toMatchObject({ code: "SQLITE_CONSTRAINT_UNIQUE" });
			await connection.run("DELETE FROM t WHERE a <> 'row 1'");
		}
		await connection.exec("BEGIN; INSERT INTO t (a) VALUES ('before')");
		await rejection(loses[0]);
		await connection.release();
		await sqlite.run(INSERT, ["afterwards"]);
		expect(await valuesOf(sqlite)).toEqual(["row 1", "afterwards"]);
	});

	test("keeps the order of statements in flight among which one fails", async () => {
		const { sqlite } = await storeWithRows();
		const connection = await sqlite.reserve();
		await connection.run("BEGIN");
		const results = await Promise.allSettled(["a", "b", "a", "c"].map((a) => connection.run(INSERT, [a])));
		expect(results.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled"]);
		await connection.run("COMMIT");
		await connection.release();
		expect(await valuesOf(sqlite)).toEqual(["a", "b", "c"]);
	});
});
