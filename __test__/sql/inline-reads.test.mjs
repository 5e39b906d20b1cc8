// Reads that are done inline: only those that have proved to be quick, and never at the cost of the event loop.

import { createRequire } from "node:module";
import { describe, expect, test } from "vitest";
import { numbers, storeWithRows } from "./tables.mjs";

const { InlineReads } = createRequire(import.meta.url)("../../lib/queue/reads/inline-reads.js");

/** Number of turns of the event loop while something is done. */
async function turnsDuring(work) {
	let turns = 0;
	let isOver = false;
	const turn = () => {
		turns++;
		if (!isOver) setImmediate(turn);
	};
	setImmediate(turn);
	await work();
	isOver = true;
	return turns;
}

describe("what is quick", () => {
	test("is what was quick more often than slow, and not given up lately", () => {
		const quick = new InlineReads();
		const runs = (...microseconds) => {
			for (const one of microseconds) quick.took("a", one);
			return quick.isInline("a");
		};
		expect(runs(5, 5)).toBe(false);
		expect(runs(5)).toBe(true);
		expect(runs(5_000)).toBe(false);
		expect(runs(5, 5, 5, 5_000, 5)).toBe(true);
		expect(runs(...Array(1_000).fill(5), 5_000, 5_000, 5_000, 5_000, 5_000)).toBe(true);
		expect(runs(5_000)).toBe(false);
		runs(...Array(1_000).fill(5));
		quick.wasLate("a");
		expect(quick.isInline("a")).toBe(true);
		quick.wasLate("a");
		expect(quick.isInline("a")).toBe(false);
		runs(...Array(1_000).fill(5));
		quick.wasGivenUp("a");
		expect(runs(...Array(94).fill(5))).toBe(false);
		expect(runs(5)).toBe(true);
		expect(quick.isInline("b")).toBe(false);
	});

	test("is remembered of so many statements, and no more", () => {
		const quick = new InlineReads();
		for (let i = 0; i < 10_000; i++) quick.took(`SELECT ${i}`, 5);
		expect(quick.scores.size).toBeLessThanOrEqual(500);
	});
});

describe("reads awaited one after another", () => {
	test("give what they should, whatever they hold, at once or not", async () => {
		const { sqlite } = await storeWithRows(100);
		await sqlite.run("UPDATE t SET b = x'0102' WHERE id % 2 = 0");
		for (let i = 0; i < 200; i++) {
			const id = 1 + (i % 100);
			const b = id % 2 === 0 ? new Uint8Array([1, 2]) : id;
			expect(await sqlite.get("SELECT a, b FROM t WHERE id = ?", [id])).toEqual({ a: `row ${id}`, b });
			expect(await sqlite.get("SELECT a FROM t WHERE id = ?", [-id])).toBeUndefined();
			expect(await sqlite.all("SELECT id FROM t WHERE id = :id", { id }, { bigint: true })).toEqual([
				{ id: BigInt(id) },
			]);
		}
	});

	test("see every write before them, and fail as they should", async () => {
		const { sqlite } = await storeWithRows(1);
		for (let i = 0; i < 50; i++) {
			sqlite.run("UPDATE t SET b = ?", [i]);
			expect(await sqlite.get("SELECT b FROM t")).toEqual({ b: i });
			await sqlite.transaction((tx) => tx.run("UPDATE t SET b = -1"));
			expect(await sqlite.get("SELECT b FROM t")).toEqual({ b: -1 });
		}
		await sqlite.exec("ALTER TABLE t ADD COLUMN c DEFAULT 7");
		expect(await sqlite.get("SELECT b FROM t")).toEqual({ b: -1 });
		await expect(sqlite.get("SELECT b FROM t", [1])).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
		await sqlite.exec("DROP TABLE t");
		await expect(sqlite.get("SELECT b FROM t")).rejects.toMatchObject({ code: "SQLITE_ERROR" });
	});

	test("leave the event loop its turns", async () => {
		const { sqlite } = await storeWithRows(100);
		const turns = await turnsDuring(async () => {
			for (let i = 0; i < 5_000; i++) await sqlite.get("SELECT a FROM t WHERE id = 5");
		});
		// After 62 reads that are done at once there is a turn.
		expect(turns).toBeGreaterThan(5_000 / 63 - 2);
	});

	test("that have become slow go to other threads", async () => {
		const { sqlite } = await storeWithRows(10);
		const sum = "SELECT sum(length(a)) AS n FROM t";
		for (let i = 0; i < 50; i++) await sqlite.get(sum);
		await sqlite.run(`${numbers(300_000)} INSERT INTO t (a) SELECT 'more ' || i FROM numbers`);
		await sqlite.get(sum);
		const turns = await turnsDuring(async () => {
			for (let i = 0; i < 10; i++) await sqlite.get(sum);
		});
		// On the event loop each would take some 20 ms, in which it has no turn.
		expect(turns).toBeGreaterThan(200);
	});
});
