// Order: operations take effect in the order in which they were called, awaited or not.

import { describe, expect, test } from "vitest";
import { expectInvalidArgument, rejection } from "../helpers/errors.mjs";
import { keysOf, temporaryAppData, temporaryFile, temporaryStore } from "../helpers/store.mjs";
import { until } from "../helpers/time.mjs";

const increment = (n) => n + 1;

/** Settles operations that were issued together: their values, or `"rejected"` and the code. */
async function outcomes(promises) {
	const settled = await Promise.allSettled(promises);
	return settled.map(({ status, value, reason }) => (status === "fulfilled" ? value : `rejected: ${reason.code}`));
}

describe("operations issued in one tick", () => {
	test("a get between two sets of one key sees exactly the first, on a store not yet open", async () => {
		const appData = temporaryAppData();
		const results = await Promise.all([
			appData.get("k"),
			appData.set({ key: "k", value: 1 }),
			appData.get("k"),
			appData.set({ key: "k", value: 2 }),
			appData.get("k"),
			appData.delete("k"),
			appData.get("k"),
		]);
		expect(results).toEqual([undefined, undefined, 1, undefined, 2, undefined, undefined]);
	});

	test("a get between two sets sees exactly the first, 200 times on an open store with the key in its cache", async () => {
		const appData = temporaryAppData();
		await appData.set({ key: "k", value: "start" });
		expect(await appData.get("k")).toBe("start");
		const reads = [];
		for (let i = 0; i < 200; i++) {
			appData.set({ key: "k", value: i });
			reads.push(appData.get("k"));
		}
		expect(await Promise.all(reads)).toEqual(Array.from({ length: 200 }, (_, i) => i));
	});

	test("select after each of 100 sets sees exactly the rows so far", async () => {
		const appData = temporaryAppData();
		const selects = [];
		const expected = [];
		for (let i = 0; i < 100; i++) {
			appData.set({ key: `k${i}`, value: i });
			selects.push(appData.selectValue("k%"));
			expected.push(Array.from({ length: i + 1 }, (_, n) => n));
		}
		expect(await Promise.all(selects)).toEqual(expected);
	});

	test("every kind of operation sees those before it and none after it", async () => {
		const appData = temporaryAppData();
		const results = await outcomes([
			appData.set([
				{ key: "a", value: 1 },
				{ key: "b", value: 2 },
			]),
			appData.update("a", (n) => n + 10, 0),
			appData.selectValue("%"),
			appData.set({ key: "a", value: 100 }),
			appData.update("a", increment, 0),
			appData.get("a"),
			appData.deleteLike("a%"),
			appData.select("%"),
			appData.update("a", increment, 0),
			appData.selectValue("%"),
			appData.delete("b"),
			appData.get("b"),
			appData.update("b", increment, 50),
			appData.selectValue("%"),
		]);
		expect(results).toEqual([
			undefined,
			11,
			[11, 2],
			undefined,
			101,
			101,
			undefined,
			[{ key: "b", value: 2 }],
			1,
			[2, 1],
			undefined,
			undefined,
			51,
			[1, 51],
		]);
	});

	test("a read does not see what is issued after it, however long it takes", async () => {
		const appData = temporaryAppData();
		await appData.set(Array.from({ length: 5_000 }, (_, i) => ({ key: `k${i}`, value: 1 })));
		const before = appData.selectValue("k%");
		const one = appData.get("k0");
		appData.deleteLike("k%");
		appData.set({ key: "k0", value: 2 });
		const after = appData.selectValue("k%");
		expect(await one).toBe(1);
		expect(await before).toHaveLength(5_000);
		expect(await after).toEqual([2]);
	}, 300_000);

	test("writes on an array beside single writes of its keys keep their places", async () => {
		const appData = temporaryAppData();
		appData.set({ key: "b", value: 0 });
		appData.set([
			{ key: "a", value: 1 },
			{ key: "b", value: 1 },
			{ key: "c", value: 1 },
		]);
		appData.set({ key: "a", value: 2 });
		expect(await appData.select("%")).toEqual([
			{ key: "b", value: 1 },
			{ key: "a", value: 2 },
			{ key: "c", value: 1 },
		]);
	});

	test("promises of one tick resolve in the order of issue", async () => {
		const appData = temporaryAppData();
		const resolved = [];
		const operations = Array.from({ length: 50 }, (_, i) =>
			(i % 2 ? appData.update("n", increment, 0) : appData.set({ key: "k", value: i })).then(() => resolved.push(i)),
		);
		await Promise.all(operations);
		expect(resolved).toEqual(Array.from({ length: 50 }, (_, i) => i));
	});

	test("a write that resolved is seen by every read that follows, also through another store on the file", async () => {
		const filename = temporaryFile();
		const [a, b] = [temporaryStore(filename), temporaryStore(filename)];
		for (let i = 0; i < 50; i++) {
			await a.appData.set({ key: "k", value: i });
			expect(await b.appData.get("k")).toBe(i);
			await b.appData.update("k", increment, 0);
			expect(await a.appData.get("k")).toBe(i + 1);
		}
	});
});

describe("operations that fail", () => {
	test("a failing operation in the middle does not disturb its neighbours", async () => {
		const appData = temporaryAppData();
		const circular = {};
		circular.self = circular;
		const results = await outcomes([
			appData.set({ key: "a", value: 1 }),
			appData.set({ key: "a", value: undefined }),
			appData.set([
				{ key: "a", value: 2 },
				{ key: "b", value: circular },
			]),
			appData.get(null),
			appData.get("a"),
			appData.update("a", () => undefined, 0),
			appData.set({ key: "b", value: 1 }),
			appData.update("a", increment, 0),
			appData.select(undefined),
			appData.select("%"),
		]);
		const invalid = "rejected: ERR_INVALID_ARGUMENT";
		expect(results).toEqual([
			undefined,
			invalid,
			invalid,
			invalid,
			1,
			invalid,
			undefined,
			2,
			invalid,
			[
				{ key: "a", value: 2 },
				{ key: "b", value: 1 },
			],
		]);
	});

	test("an update whose function throws leaves the updates around it in place", async () => {
		const appData = temporaryAppData();
		const boom = new Error("boom");
		const seen = [];
		const step = (i) => (n) => {
			seen.push(n);
			if (i % 10 === 5) throw boom;
			return n + 1;
		};
		const updates = Array.from({ length: 100 }, (_, i) => appData.update("k", step(i), 0));
		const last = appData.get("k");
		const settled = await Promise.allSettled(updates);
		expect(settled.filter(({ status }) => status === "rejected").map(({ reason }) => reason)).toEqual(
			Array(10).fill(boom),
		);
		expect(await last).toBe(90);
		expect(seen).toHaveLength(100);
		let n = 0;
		expect(seen).toEqual(Array.from({ length: 100 }, (_, i) => (i % 10 === 5 ? n : n++)));
	});

	test("50,000 reads that waited for an update that fails get what was there before", async () => {
		const appData = temporaryAppData();
		await appData.set({ key: "k", value: 1 });
		const boom = new Error("boom");
		const failing = rejection(() =>
			appData.update(
				"k",
				() => {
					throw boom;
				},
				0,
			),
		);
		const reads = Array.from({ length: 50_000 }, () => appData.get("k"));
		expect(await failing).toBe(boom);
		expect(new Set(await Promise.all(reads))).toEqual(new Set([1]));
		expect(await appData.update("k", increment, 0)).toBe(2);
	}, 300_000);

	test("a write too large for SQLite is rejected between neighbours that are written", async () => {
		const appData = temporaryAppData();
		const large = "\u00e9".repeat(500_000_000);
		const results = await outcomes([
			appData.set({ key: "a", value: 1 }),
			appData.set([
				{ key: "b", value: 1 },
				{ key: large, value: 1 },
			]),
			appData.set({ key: "c", value: 1 }),
		]);
		expect(results).toEqual([undefined, "rejected: ERR_TOO_LARGE", undefined]);
		expect(await keysOf(appData)).toEqual(["a", "c"]);
	}, 300_000);
});

describe("updates in flight", () => {
	test("a chain of 1,000 updates on three keys calls each function once, in order, on the value before it", async () => {
		const appData = temporaryAppData();
		const calls = [];
		const updates = Array.from({ length: 1_000 }, (_, i) =>
			appData.update(
				`k${i % 3}`,
				(list) => {
					calls.push(i);
					return [...list.slice(-2), i];
				},
				[],
			),
		);
		const results = await Promise.all(updates);
		for (const [i, result] of results.entries()) {
			expect(result).toEqual([i - 6, i - 3, i].filter((n) => n >= 0));
		}
		expect([...calls].sort((a, b) => a - b)).toEqual(Array.from({ length: 1_000 }, (_, i) => i));
		for (const rest of [0, 1, 2]) {
			const ofKey = calls.filter((i) => i % 3 === rest);
			expect(ofKey).toEqual([...ofKey].sort((a, b) => a - b));
		}
	});

	test("updates after a deleteLike or a delete start from the default, and call their function once", async () => {
		const appData = temporaryAppData();
		await appData.set({ key: "k", value: 1_000 });
		expect(await appData.get("k")).toBe(1_000);
		const seen = [];
		const count = (n) => {
			seen.push(n);
			return n + 1;
		};
		const results = await Promise.all([
			appData.update("k", count, 0),
			appData.deleteLike("K%"),
			appData.update("k", count, 0),
			appData.update("k", count, 0),
			appData.deleteLike("other%"),
			appData.update("k", count, 0),
			appData.delete("k"),
			appData.update("k", count, 0),
			appData.get("k"),
		]);
		expect(results).toEqual([1_001, undefined, 1, 2, undefined, 3, undefined, 1, 1]);
		expect(seen).toEqual([1_000, 0, 1, 2, 0]);
	});

	test("updates see the value and the expiry of the set before them", async () => {
		const appData = temporaryAppData();
		const later = new Date(Date.now() + 3_600_000);
		const results = await Promise.all([
			appData.set({ key: "k", value: 1, expiresAt: later }),
			appData.update("k", increment, 0),
			appData.select("k"),
			appData.set({ key: "k", value: 5 }),
			appData.update("k", increment, 0),
			appData.select("k"),
			appData.update("k", increment, 0, later),
			appData.set({ key: "k", value: 7, expiresAt: new Date(1) }),
			appData.update("k", increment, 0),
			appData.select("k"),
		]);
		expect(results[1]).toBe(2);
		expect(results[2]).toEqual([{ key: "k", value: 2, expiresAt: later, expires_at: later }]);
		expect(results[4]).toBe(6);
		expect(results[5]).toEqual([{ key: "k", value: 6 }]);
		expect(results[6]).toBe(7);
		expect(results[8]).toBe(1);
		expect(results[9]).toEqual([{ key: "k", value: 1 }]);
	});

	test("a value that an update's function keeps and changes later does not reach the next update", async () => {
		const appData = temporaryAppData();
		let kept;
		const first = appData.update(
			"k",
			() => {
				kept = { n: 1 };
				return kept;
			},
			null,
		);
		const second = appData.update(
			"k",
			(value) => {
				kept.n = 99;
				return { n: value.n + 1 };
			},
			null,
		);
		expect(await second).toEqual({ n: 2 });
		await first;
		expect(await appData.get("k")).toEqual({ n: 2 });
	});
});

describe("calls from inside an update's function", () => {
	test("operations issued inside the function take effect, and the update still does", async () => {
		const appData = temporaryAppData();
		const inner = [];
		const result = await appData.update(
			"k",
			(n) => {
				inner.push(appData.set({ key: "log", value: "inside" }));
				inner.push(appData.get("log"));
				inner.push(appData.update("other", increment, 0));
				inner.push(appData.select("lo%"));
				return n + 1;
			},
			0,
		);
		expect(result).toBe(1);
		expect(await Promise.all(inner)).toEqual([undefined, "inside", 1, [{ key: "log", value: "inside" }]]);
		expect(await appData.get("k")).toBe(1);
	});

	test("an update of the same key issued inside the function comes after it", async () => {
		const appData = temporaryAppData();
		let inner;
		const outer = await appData.update(
			"k",
			(n) => {
				inner ??= appData.update("k", (m) => m * 10, 0);
				return n + 1;
			},
			1,
		);
		expect(outer).toBe(2);
		expect(await inner).toBe(20);
		expect(await appData.get("k")).toBe(20);
	});

	test("a set, a get and a delete of the same key issued inside the function come after it", async () => {
		const appData = temporaryAppData();
		const inner = [];
		await appData.update(
			"k",
			() => {
				inner.push(appData.get("k"), appData.delete("k"), appData.get("k"), appData.set({ key: "k", value: "last" }));
				return "outer";
			},
			null,
		);
		expect(await Promise.all(inner)).toEqual(["outer", undefined, undefined, undefined]);
		expect(await appData.get("k")).toBe("last");
	});

	test("a function that issues operations and then throws changes nothing of its own", async () => {
		const appData = temporaryAppData();
		await appData.set({ key: "k", value: 1 });
		const boom = new Error("boom");
		let inner;
		const fail = () => {
			inner = appData.update("k", increment, 0);
			throw boom;
		};
		expect(await rejection(() => appData.update("k", fail, 0))).toBe(boom);
		expect(await inner).toBe(2);
	});

	test("operations issued by a toJSON or a getter neither are lost nor split an array", async () => {
		const appData = temporaryAppData();
		const inner = [];
		const nosy = {
			toJSON() {
				inner.push(appData.get("a"), appData.set({ key: "b", value: "inner" }));
				return "nosy";
			},
		};
		await appData.set([
			{ key: "a", value: 1 },
			{ key: "b", value: nosy },
			{ key: "c", value: 1 },
		]);
		await Promise.all(inner);
		expect((await keysOf(appData)).sort()).toEqual(["a", "b", "c"]);
		expect(["nosy", "inner"]).toContain(await appData.get("b"));
		const [sawA] = await Promise.all(inner);
		expect([undefined, 1]).toContain(sawA);
	});

	test("a long chain of updates that each issue the next one ends", async () => {
		const appData = temporaryAppData();
		let last;
		const chain = (left) => (n) => {
			if (left > 0) last = appData.update("k", chain(left - 1), 0);
			return n + 1;
		};
		await appData.update("k", chain(500), 0);
		for (let seen; seen !== last; ) {
			seen = last;
			await seen;
		}
		expect(await appData.get("k")).toBe(501);
	});
});

describe("large results and large batches", () => {
	test("a select of 40,000 rows gives the event loop its turns", async () => {
		const appData = temporaryAppData();
		const turnsMeanwhile = async () => {
			await appData.set(Array.from({ length: 40_000 }, (_, i) => ({ key: `k${i}`, value: { n: i } })));
			let turns = 0;
			let running = true;
			const turn = () => {
				turns += 1;
				if (running) setImmediate(turn);
			};
			const pending = appData.select("k%");
			const after = appData.deleteLike("k%");
			setImmediate(turn);
			const rows = await pending;
			running = false;
			expect(rows).toHaveLength(40_000);
			expect(rows.every(({ key, value }, i) => key === `k${i}` && value.n === i)).toBe(true);
			await after;
			expect(await keysOf(appData)).toEqual([]);
			return turns;
		};
		// Where this thread is held up, more rows than usual wait for each of its turns.
		await until(async () => (await turnsMeanwhile()) > 20, "more than 20 turns");
	}, 300_000);

	test("20 MB issued in one tick take effect in order", async () => {
		const appData = temporaryAppData();
		const text = "x".repeat(1_000_000);
		const reads = [];
		for (let i = 0; i < 20; i++) {
			appData.set({ key: `k${i % 4}`, value: i + text });
			if (i % 4 === 3) reads.push(appData.selectValue("k%"));
		}
		for (const [i, values] of (await Promise.all(reads)).entries()) {
			expect(values.map((value) => Number.parseInt(value, 10))).toEqual([0, 1, 2, 3].map((n) => i * 4 + n));
		}
	}, 300_000);
});

describe("all or nothing", () => {
	test("an array of 20,000 is seen whole or not at all by reads around it", async () => {
		const appData = temporaryAppData();
		const entries = (value) => Array.from({ length: 20_000 }, (_, i) => ({ key: `k${i}`, value }));
		appData.set(entries(1));
		const first = appData.selectValue("k%");
		appData.set(entries(2));
		const second = appData.selectValue("k%");
		const bad = entries(3);
		bad[12_345] = null;
		await expectInvalidArgument(() => appData.set(bad), "values[12345]");
		const third = await appData.selectValue("k%");
		for (const [values, expected] of [
			[await first, 1],
			[await second, 2],
			[third, 2],
		]) {
			expect(values).toHaveLength(20_000);
			expect(new Set(values)).toEqual(new Set([expected]));
		}
	}, 300_000);
});

describe("an update behind one of the same key that fails", () => {
	test("starts from what was there before, on disk or pending, and is called once", async () => {
		for (const pending of [false, true]) {
			const appData = temporaryAppData();
			const stored = appData.set({ key: "k", value: 5 });
			if (!pending) await stored;
			const seen = [];
			const see = (make) => (value) => {
				seen.push(value);
				return make(value);
			};
			const results = await outcomes([
				appData.update(
					"k",
					see(() => undefined),
					100,
				),
				appData.update("other", increment, 0),
				appData.update(
					"k",
					see(() => new Promise(() => {})),
					101,
				),
				appData.update("k", see(increment), 102),
				appData.get("k"),
				appData.update("k", see(increment), 103),
			]);
			expect(results).toEqual(["rejected: ERR_INVALID_ARGUMENT", 1, "rejected: ERR_INVALID_ARGUMENT", 6, 6, 7]);
			expect(seen).toEqual([5, 5, 5, 6]);
		}
	});

	test("5,000 of them, each failing behind a pending write, do not stall the process", async () => {
		const appData = temporaryAppData();
		appData.set({ key: "k", value: 1 });
		const failing = Array.from({ length: 5_000 }, () => appData.update("k", () => undefined, 0));
		const results = await outcomes(failing);
		expect(new Set(results)).toEqual(new Set(["rejected: ERR_INVALID_ARGUMENT"]));
		expect(await appData.get("k")).toBe(1);
	});

	test("runs in the asynchronous context of its own call", async () => {
		const { AsyncLocalStorage } = await import("node:async_hooks");
		const context = new AsyncLocalStorage();
		const appData = temporaryAppData();
		const see = (name) => context.run(name, () => appData.update(name, () => context.getStore(), ""));
		expect(await Promise.all(["a", "b", "c"].map(see))).toEqual(["a", "b", "c"]);
	});
});

test("200 updates of a large value in one tick are made in bounded memory", async () => {
	const appData = temporaryAppData();
	const large = "x".repeat(1 << 20);
	await appData.set({ key: "k", value: { n: 0, large } });
	const before = process.memoryUsage().rss;
	let peak = before;
	const watch = setInterval(() => {
		peak = Math.max(peak, process.memoryUsage().rss);
	}, 5);
	const count = 200;
	const updates = Array.from({ length: count }, () =>
		appData.update("k", (value) => ({ n: value.n + 1, large: value.large }), null).then(({ n }) => n),
	);
	expect(await Promise.all(updates)).toEqual(Array.from({ length: count }, (_, i) => i + 1));
	clearInterval(watch);
	// All of them in one batch would take four times 200 MB and more.
	expect(peak - before).toBeLessThan(800 << 20);
}, 300_000);
