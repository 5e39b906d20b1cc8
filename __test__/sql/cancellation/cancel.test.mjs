// signal and timeoutMs: what waits is given up, what runs is interrupted, and nobody else is harmed.

import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { expectFailure, rejection } from "../../helpers/errors.mjs";
import { temporaryStore } from "../../helpers/store.mjs";
import { ENDLESS, numbers, storeWithRows, valuesOf } from "../tables.mjs";

const ENDLESS_WRITE = `${numbers()} INSERT INTO t (b) SELECT i FROM numbers`;

describe("timeoutMs", () => {
	test("interrupts a statement that runs, by every method, with a code", async () => {
		const { sqlite } = await storeWithRows();
		const options = { timeoutMs: 50 };
		for (const call of [
			() => sqlite.all(ENDLESS, [], options),
			() => sqlite.get(ENDLESS, [], options),
			() => sqlite.iterate(ENDLESS, [], options).next(),
			() => sqlite.run(ENDLESS_WRITE, [], options),
			() => sqlite.exec(`SELECT 1; ${ENDLESS_WRITE}`, options),
			() => sqlite.batch([{ sql: "INSERT INTO t (a) VALUES ('x')" }, { sql: ENDLESS_WRITE }], options),
			() => sqlite.all(`${ENDLESS_WRITE} RETURNING id`, [], { ...options, maxRows: 1e15 }),
			() => sqlite.transaction((tx) => tx.run(ENDLESS_WRITE, [], options)),
			() => sqlite.transaction((tx) => tx.all(ENDLESS, [], options)),
		]) {
			// Else they would not end at all.
			await expectFailure(call, "ERR_TIMEOUT");
		}
		expect(await valuesOf(sqlite)).toEqual([]);
	}, 300_000);

	test("that is not reached changes nothing, and keeps no process alive", async () => {
		const { sqlite } = await storeWithRows(1);
		expect(await sqlite.all("SELECT a FROM t", [], { timeoutMs: 60_000 })).toEqual([{ a: "row 1" }]);
		expect(await sqlite.run("DELETE FROM t", [], { timeoutMs: Infinity })).toMatchObject({ changes: 1 });
	});
});

describe("signal", () => {
	test("rejects with an AbortError that carries the reason as its cause", async () => {
		const { sqlite } = temporaryStore();
		const reason = new Error("enough");
		const controller = new AbortController();
		const running = sqlite.all(ENDLESS, [], { signal: controller.signal });
		setTimeout(() => controller.abort(reason), 30);
		const error = await rejection(() => running);
		expect(error).toBeInstanceOf(Error);
		expect(error).toMatchObject({ name: "AbortError", code: "ABORT_ERR", cause: reason });
	});

	test("that was aborted before gives up at once, by every method", async () => {
		const { sqlite } = await storeWithRows();
		const options = { signal: AbortSignal.abort() };
		for (const call of [
			() => sqlite.run("INSERT INTO t (a) VALUES ('x')", [], options),
			() => sqlite.get("SELECT 1", [], options),
			() => sqlite.all("SELECT 1", [], options),
			() => sqlite.exec("SELECT 1", options),
			() => sqlite.iterate("SELECT 1", [], options).next(),
			() => sqlite.prepare("SELECT 1", options),
			() => sqlite.batch([], options),
			() => sqlite.transaction(() => {}, options),
			() => sqlite.reserve(options),
			() => sqlite.migrate([{ name: "1_a.sql", sql: "" }], options),
		]) {
			expect(await rejection(call)).toMatchObject({ name: "AbortError", code: "ABORT_ERR" });
		}
		expect(await valuesOf(sqlite)).toEqual([]);
	});

	test("that is aborted later, or never, keeps no listener", async () => {
		const { sqlite } = await storeWithRows();
		const { signal } = new AbortController();
		let listeners = 0;
		const counted = new Proxy(signal, {
			get(target, name) {
				if (name === "addEventListener") return () => listeners++;
				if (name === "removeEventListener") return () => listeners--;
				return target[name];
			},
		});
		await sqlite.run("INSERT INTO t (a) VALUES ('x')", [], { signal: counted });
		await sqlite.all("SELECT 1", [], { signal: counted });
		await sqlite.run("nonsense", [], { signal: counted }).catch(() => {});
		for await (const row of sqlite.iterate("SELECT 1 AS one", [], { signal: counted })) expect(row.one).toBe(1);
		await sqlite.transaction(() => {}, { signal: counted });
		await sqlite.prepare("SELECT 1", { signal: counted });
		expect(listeners).toBe(0);
	});
});

describe("what waits", () => {
	test("behind others is given up at once, and has no effect", async () => {
		const { sqlite } = await storeWithRows();
		const [ofBlocking, ofWaiting] = [new AbortController(), new AbortController()];
		let isBlocked = true;
		const blocking = rejection(() => sqlite.run(ENDLESS, [], { signal: ofBlocking.signal }));
		blocking.then(() => (isBlocked = false));
		const waiting = rejection(() => sqlite.run("INSERT INTO t (a) VALUES ('x')", [], { signal: ofWaiting.signal }));
		const behind = sqlite.run("INSERT INTO t (a) VALUES ('y')");
		await sleep(20);
		ofWaiting.abort();
		expect(await waiting).toMatchObject({ code: "ABORT_ERR" });
		expect(isBlocked).toBe(true);
		ofBlocking.abort();
		await Promise.all([blocking, behind]);
		expect(await valuesOf(sqlite)).toEqual(["y"]);
	});

	test("of reads, gives up before a reader is free", async () => {
		const { sqlite } = temporaryStore();
		const controller = new AbortController();
		let isBusy = true;
		const options = { signal: controller.signal };
		const busy = Array.from({ length: 8 }, () => rejection(() => sqlite.all(ENDLESS, [], options)));
		for (const one of busy) one.then(() => (isBusy = false));
		await sleep(10);
		expect(await rejection(() => sqlite.all("SELECT 1", [], { timeoutMs: 20 }))).toMatchObject({ code: "ERR_TIMEOUT" });
		expect(isBusy).toBe(true);
		controller.abort();
		for (const error of await Promise.all(busy)) expect(error.code).toBe("ABORT_ERR");
		expect(await sqlite.get("SELECT 1 AS one")).toEqual({ one: 1 });
	});
});

describe("an interrupted write", () => {
	test("has no effect, and its neighbours have theirs, in order", async () => {
		const { sqlite, appData } = await storeWithRows();
		const results = await Promise.allSettled([
			sqlite.run("INSERT INTO t (a) VALUES ('before')"),
			appData.set({ key: "before", value: 1 }),
			sqlite.run(ENDLESS_WRITE, [], { timeoutMs: 50 }),
			appData.set({ key: "after", value: 1 }),
			sqlite.run("INSERT INTO t (a) VALUES ('after')"),
		]);
		expect(results.map(({ status }) => status)).toEqual([
			"fulfilled",
			"fulfilled",
			"rejected",
			"fulfilled",
			"fulfilled",
		]);
		expect(await valuesOf(sqlite)).toEqual(["before", "after"]);
		expect((await appData.select("%")).map(({ key }) => key)).toEqual(["before", "after"]);
	});

	test("in a transaction takes the transaction along, as SQLite has it, which says so", async () => {
		for (let timeoutMs = 30; ; timeoutMs *= 2) {
			const { sqlite } = await storeWithRows();
			const lost = sqlite.transaction(async (tx) => {
				await tx.run("INSERT INTO t (a) VALUES ('x')");
				await expectFailure(() => tx.run(ENDLESS_WRITE, [], { timeoutMs }), "ERR_TIMEOUT");
				await tx.run("INSERT INTO t (a) VALUES ('y')");
			});
			// A statement whose time was over before it had begun took nothing along.
			if (timeoutMs < 20_000 && (await lost.then(() => true).catch(() => false))) continue;
			await expectFailure(() => lost, "ERR_TRANSACTION_LOST");
			expect(await valuesOf(sqlite)).toEqual([]);
			break;
		}
	});

	test("an interrupted read in a transaction does not", async () => {
		const { sqlite } = await storeWithRows();
		await sqlite.transaction(async (tx) => {
			await tx.run("INSERT INTO t (a) VALUES ('x')");
			await expectFailure(() => tx.all(ENDLESS, [], { timeoutMs: 30 }), "ERR_TIMEOUT");
			await tx.run("INSERT INTO t (a) VALUES ('y')");
		});
		expect(await valuesOf(sqlite)).toEqual(["x", "y"]);
	});

	test("random cancellation among 2,000 writes loses and doubles nothing", async () => {
		const { sqlite } = await storeWithRows();
		const kept = [];
		for (let round = 0; round < 20; round++) {
			await Promise.all(
				Array.from({ length: 100 }, async (_, i) => {
					const a = `${round}:${i}`;
					const options = i % 3 === 0 ? { timeoutMs: (i * 7) % 5 } : {};
					try {
						await sqlite.run("INSERT INTO t (a) VALUES (?)", [a], options);
						kept.push(a);
					} catch (error) {
						expect(error.code).toBe("ERR_TIMEOUT");
					}
				}),
			);
		}
		expect((await valuesOf(sqlite)).sort()).toEqual(kept.sort());
	}, 300_000);
});
