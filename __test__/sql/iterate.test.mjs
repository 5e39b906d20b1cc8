// iterate: results of any size, a slice at a time, from one snapshot.

import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { runModuleForJson } from "../helpers/child.mjs";
import { expectFailure, rejection } from "../helpers/errors.mjs";
import { temporaryFile } from "../helpers/store.mjs";
import { numbers, storeWithRows } from "./tables.mjs";

const { Requests } = createRequire(import.meta.url)("../../lib/native/requests.js");

async function collect(iterable) {
	const rows = [];
	for await (const row of iterable) rows.push(row);
	return rows;
}

describe("iterate", () => {
	test("gives every row once, in order, however many there are", async () => {
		const { sqlite } = await storeWithRows(10_500);
		for (const n of [0, 1, 999, 1_000, 1_001, 10_500]) {
			const rows = await collect(sqlite.iterate("SELECT id FROM t ORDER BY id LIMIT ?", [n]));
			expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: n }, (_, index) => index + 1));
		}
	});

	test("reads a query to its end that looks something up for each row, beside other statements", async () => {
		const { sqlite } = await storeWithRows(5_000);
		const lookup = "SELECT id, (SELECT max(o.id) FROM t AS o WHERE o.id <= t.id) AS same FROM t ORDER BY id";
		const inStep = (rows) => rows.every(({ id, same }, index) => id === index + 1 && same === id);
		expect(inStep(await collect(sqlite.iterate(lookup)))).toBe(true);
		await sqlite.transaction(async (tx) => {
			const rows = [];
			for await (const row of tx.iterate(lookup)) {
				if (row.id % 1_000 === 0) await tx.get("SELECT count(*) FROM t WHERE a LIKE ?", ["x%"]);
				rows.push(row);
			}
			expect(rows.length).toBe(5_000);
			expect(inStep(rows)).toBe(true);
		});
	});

	test("takes the options for rows, but for a limit", async () => {
		const { sqlite } = await storeWithRows(2);
		const options = { rowMode: "array", bigint: true, maxRows: 1 };
		expect(await collect(sqlite.iterate("SELECT id, x'0102' FROM t", [], options))).toEqual([
			[1n, new Uint8Array([1, 2])],
			[2n, new Uint8Array([1, 2])],
		]);
	});

	test("reads from one snapshot, beside writes that go on", async () => {
		const { sqlite } = await storeWithRows(5_000);
		let n = 0;
		for await (const { b } of sqlite.iterate("SELECT b FROM t ORDER BY id")) {
			if (n === 10) await sqlite.run("UPDATE t SET b = -1");
			expect(b).toBe(++n);
		}
		expect(n).toBe(5_000);
		expect(await sqlite.get("SELECT max(b) AS b FROM t")).toEqual({ b: -1 });
	});

	test("sees what was issued before its first row was asked for", async () => {
		const { sqlite } = await storeWithRows();
		const rows = sqlite.iterate("SELECT a FROM t");
		const written = sqlite.run("INSERT INTO t (a) VALUES ('x')");
		expect(await rows.next()).toEqual({ value: { a: "x" }, done: false });
		expect(await rows.next()).toEqual({ value: undefined, done: true });
		expect(await rows.next()).toEqual({ value: undefined, done: true });
		await written;
	});

	test("answers calls that do not wait for each other in their order", async () => {
		const { sqlite } = await storeWithRows(2_500);
		const rows = sqlite.iterate("SELECT id FROM t ORDER BY id");
		const answers = await Promise.all(Array.from({ length: 2_502 }, () => rows.next()));
		expect(answers.slice(0, 2_500).map(({ value }) => value.id)).toEqual(
			Array.from({ length: 2_500 }, (_, i) => i + 1),
		);
		expect(answers.slice(2_500).every(({ done }) => done)).toBe(true);
	});

	test("holds as many at a time as are wanted, inside each other too", async () => {
		const { sqlite } = await storeWithRows(1_500);
		const open = Array.from({ length: 12 }, () => sqlite.iterate("SELECT id FROM t"));
		for (const rows of open) expect((await rows.next()).value.id).toBe(1);
		expect(await sqlite.get("SELECT count(*) AS n FROM t")).toEqual({ n: 1_500 });
		const rests = await Promise.all(open.map(collect));
		expect(rests.map((rest) => rest.length)).toEqual(Array(12).fill(1_499));
	});

	test("rejects once where the statement fails, and is then done", async () => {
		const { sqlite } = await storeWithRows(3);
		const rows = sqlite.iterate("SELECT abs(CASE id WHEN 3 THEN -9223372036854775808 ELSE id END) FROM t ORDER BY id");
		expect(await rejection(() => rows.next())).toMatchObject({ code: "SQLITE_ERROR", message: "integer overflow" });
		expect(await rows.next()).toEqual({ value: undefined, done: true });
		const inexact = sqlite.iterate("SELECT 9007199254740993 AS n");
		expect(await rejection(() => inexact.next())).toMatchObject({ code: "ERR_INEXACT_INTEGER" });
	});

	test("that is aborted while rows are on their way is done, and gives none of them", async () => {
		const { sqlite } = await storeWithRows(3);
		const controller = new AbortController();
		const rows = sqlite.iterate("SELECT id FROM t", [], { signal: controller.signal });
		const first = rejection(() => rows.next());
		for (let turn = 0; turn < 10; turn++) await undefined;
		// Time for them to be read, which nobody hears of meanwhile.
		Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
		controller.abort();
		expect(await first).toMatchObject({ code: "ABORT_ERR" });
		await sleep(50);
		expect(await rows.next()).toEqual({ value: undefined, done: true });
	});

	test("that is aborted gives no row more, also of those that were read ahead", async () => {
		for (const count of [10, 3_000]) {
			const { sqlite } = await storeWithRows(count);
			const controller = new AbortController();
			const rows = sqlite.iterate("SELECT id FROM t ORDER BY id", [], { signal: controller.signal });
			expect(await rows.next()).toEqual({ value: { id: 1 }, done: false });
			controller.abort();
			expect(await rejection(() => rows.next())).toMatchObject({ code: "ABORT_ERR" });
			expect(await rows.next()).toEqual({ value: undefined, done: true });
		}
	});

	test("leaves nothing of its cancellation behind, however it ends", async () => {
		const { sqlite } = await storeWithRows(3_000);
		const forgotten = vi.spyOn(Requests.prototype, "forgetCancel");
		onTestFinished(() => forgotten.mockRestore());
		const controller = new AbortController();
		const options = { signal: controller.signal, timeoutMs: 3_600_000 };
		const open = (sql) => sqlite.iterate(sql, [], options);
		const ends = [
			() => collect(open("SELECT id FROM t")),
			async () => {
				for await (const { id } of open("SELECT id FROM t")) if (id === 2) break;
			},
			() => rejection(() => open("SELECT nonsense").next()),
			() => sqlite.transaction((tx) => collect(tx.iterate("SELECT id FROM t", [], options))),
			async () => {
				const rejected = rejection(() => open(`${numbers()} SELECT max(i) FROM numbers`).next());
				await sleep(20);
				controller.abort();
				expect(await rejected).toMatchObject({ code: "ABORT_ERR" });
			},
		];
		for (const end of ends) await end();
		const seen = forgotten.mock.calls.map(([{ number }]) => number);
		expect(new Set(seen).size).toBe(ends.length);
	});

	test("within a transaction reads what that has written, beside its other statements", async () => {
		const { sqlite } = await storeWithRows(2_000);
		await sqlite.transaction(async (tx) => {
			await tx.run("INSERT INTO t (a) VALUES ('new')");
			let n = 0;
			for await (const { id } of tx.iterate("SELECT id FROM t ORDER BY id")) {
				n++;
				if (n % 500 === 0) await tx.run("INSERT INTO log SELECT ?", [id]).catch(() => {});
				if (n === 1_000) {
					for await (const other of tx.iterate("SELECT a FROM t WHERE id = 2001")) expect(other.a).toBe("new");
				}
			}
			expect(n).toBe(2_001);
		});
	});
});

describe("leaving the loop", () => {
	test("releases the snapshot, so that the log can be reset", async () => {
		const { sqlite } = await storeWithRows(5_000);
		for await (const { id } of sqlite.iterate("SELECT id FROM t")) if (id === 2) break;
		await sqlite.run("UPDATE t SET b = 0");
		await expect
			.poll(async () => Object.values(await sqlite.get("PRAGMA wal_checkpoint(TRUNCATE)")))
			.toEqual([0, 0, 0]);
	});

	test("by an error of the loop's own does the same, and passes that on", async () => {
		const { sqlite } = await storeWithRows(5_000);
		const rows = sqlite.iterate("SELECT id FROM t");
		await expect(
			(async () => {
				for await (const { id } of rows) if (id === 1_500) throw new Error("mine");
			})(),
		).rejects.toThrow("mine");
		expect(await rows.next()).toEqual({ value: undefined, done: true });
	});

	test("return before the first row starts nothing", async () => {
		const { sqlite } = await storeWithRows();
		const rows = sqlite.iterate("SELECT nonsense");
		expect(await rows.return("x")).toEqual({ value: "x", done: true });
		expect(await rows.next()).toEqual({ value: undefined, done: true });
	});
});

describe("a store that is closed", () => {
	test("ends a loop by name, and does not wait for it", async () => {
		const store = await storeWithRows(5_000);
		const rows = store.sqlite.iterate("SELECT id FROM t");
		await rows.next();
		await store.close();
		for (let n = 1; n < 1_000; n++) await rows.next();
		await expectFailure(() => rows.next(), "ERR_STORE_CLOSED");
	});
});

describe("memory", () => {
	test("stays flat over two million rows, and the event loop goes on", async () => {
		const result = await runModuleForJson(
			`import { monitorEventLoopDelay } from "node:perf_hooks";
			const store = openDataStore({ filename: process.argv[1], backup: false });
			const delay = monitorEventLoopDelay({ resolution: 1 });
			let n = 0, most = 0, sum = 0;
			delay.enable();
			for await (const { i, text } of store.sqlite.iterate(process.argv[2])) {
				sum += i + text.length;
				if (++n % 50_000 === 0) most = Math.max(most, process.memoryUsage().rss);
			}
			console.log(JSON.stringify({ n, sum, mib: most / 2 ** 20 }));`,
			{ args: [temporaryFile(), `${numbers(2_000_000)} SELECT i, 'some text of a row' AS text FROM numbers`] },
		);
		expect(result.n).toBe(2_000_000);
		expect(result.sum).toBe((2_000_000 * 2_000_001) / 2 + 2_000_000 * 18);
		// All of them would take some 300 MiB.
		expect(result.mib).toBeLessThan(200);
	}, 300_000);

	test.each([
		["", "{}"],
		[", also if its signal lives on", "{ signal: globalThis.kept.signal }"],
		[", also before its time is over", "{ timeoutMs: 3_600_000 }"],
	])(
		"an iterator that nobody has any more gives its snapshot back%s",
		async (_, options) => {
			const result = await runModuleForJson(
				`import { getEventListeners } from "node:events";
			const store = openDataStore({ filename: process.argv[1], backup: false });
			globalThis.kept = new AbortController();
			await store.sqlite.exec(process.argv[2]);
			await store.sqlite.iterate("SELECT i FROM u", [], ${options}).next();
			await store.sqlite.run("UPDATE u SET i = 0");
			const checkpoint = async () => Object.values(await store.sqlite.get("PRAGMA wal_checkpoint(TRUNCATE)"))[0];
			const before = await checkpoint();
			let after = before;
			for (let i = 0; i < 3_000 && after !== 0; i++) {
				globalThis.gc();
				await new Promise((resolve) => setTimeout(resolve, 20));
				after = await checkpoint();
			}
			const listeners = getEventListeners(globalThis.kept.signal, "abort").length;
			console.log(JSON.stringify({ before, after, listeners }));`,
				{
					args: [temporaryFile(), `CREATE TABLE u (i); ${numbers(5_000)} INSERT INTO u SELECT i FROM numbers`],
					env: { NODE_OPTIONS: "--expose-gc" },
				},
			);
			expect(result).toEqual({ before: 1, after: 0, listeners: 0 });
		},
		300_000,
	);
});

test("a loop that waits between its rows holds up nobody", async () => {
	const { sqlite } = await storeWithRows(3_000);
	const rows = sqlite.iterate("SELECT id FROM t");
	await rows.next();
	await sleep(50);
	await sqlite.run("INSERT INTO t (a) VALUES ('x')");
	expect(await sqlite.get("SELECT count(*) AS n FROM t")).toEqual({ n: 3_001 });
	expect(await collect(rows)).toHaveLength(2_999);
});
