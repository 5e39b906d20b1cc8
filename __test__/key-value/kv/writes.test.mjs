// `kv.setIfAbsent`, `kv.getAndDelete`, `kv.expire` and `kv.deleteRange`.

import { describe, expect, onTestFinished, test, vi } from "vitest";
import { expectFailure } from "../../helpers/errors.mjs";
import { makeSdkFile, rawRows } from "../../helpers/raw.mjs";
import { isStorable } from "../../helpers/storable.mjs";
import { keysOf, temporaryFile, temporaryStore } from "../../helpers/store.mjs";

const HOUR_MS = 3_600_000;
const later = Date.now() + HOUR_MS;

/** Rows of the SDK, of which the key `k` has several, the newest of them as given. */
const duplicates = (newest) => [
	{ key: "k", value: "1" },
	{ key: "other", value: "0" },
	{ key: "k", value: "2" },
	{ key: "k", value: "3", ...newest },
];

describe("setIfAbsent", () => {
	test("stores what is absent, with its expiry, and leaves what is there", async () => {
		const { kv, appData } = temporaryStore();
		expect(await kv.setIfAbsent({ key: "k", value: { n: 1 }, expiresAt: new Date(later) })).toBe(true);
		expect(await kv.setIfAbsent({ key: "k", value: 2, ttlMs: 1 })).toBe(false);
		expect(await appData.select("%")).toEqual([
			{ key: "k", value: { n: 1 }, expiresAt: new Date(later), expires_at: new Date(later) },
		]);
	});

	test("an expired key is absent", async () => {
		const filename = temporaryFile();
		const { kv, appData } = temporaryStore(filename);
		await appData.set({ key: "k", value: 1, expiresAt: 1_000 });
		expect(await kv.setIfAbsent({ key: "k", value: 2 })).toBe(true);
		expect(await rawRows(filename)).toEqual([{ key: "k", community_id: null, value: "2", expires_at: null }]);
	});

	test("one that expires at once leaves no key, and is no lock", async () => {
		const { kv, appData } = temporaryStore();
		expect(await kv.setIfAbsent({ key: "k", value: 1, expiresAt: 1_000 })).toBe(true);
		expect(await appData.get("k")).toBeUndefined();
		expect(await kv.setIfAbsent({ key: "k", value: 2 })).toBe(true);
		expect(await appData.get("k")).toBe(2);
	});

	test("a cooldown ends when its time has passed", async () => {
		vi.useFakeTimers({ toFake: ["Date"] });
		onTestFinished(() => void vi.useRealTimers());
		const { kv } = temporaryStore();
		const take = () => kv.setIfAbsent({ key: "k", value: true, ttlMs: 30_000 });
		const start = Date.now();
		expect(await take()).toBe(true);
		vi.setSystemTime(start + 29_999);
		expect(await take()).toBe(false);
		vi.setSystemTime(start + 30_000);
		expect(await take()).toBe(true);
	});

	test("of many at once through two stores one stores its value", async () => {
		const filename = temporaryFile();
		const stores = [temporaryStore(filename), temporaryStore(filename)];
		const calls = Array.from({ length: 100 }, (_, i) => stores[i % 2].kv.setIfAbsent({ key: "k", value: i }));
		const results = await Promise.all(calls);
		expect(results.filter(Boolean)).toHaveLength(1);
		expect(await stores[0].appData.get("k")).toBe(results.indexOf(true));
	});

	test("of several rows of the SDK the newest decides", async () => {
		for (const [newest, expected] of [
			[{}, false],
			[{ expires_at: 1_000 }, true],
		]) {
			const filename = temporaryFile();
			await makeSdkFile(filename, duplicates(newest));
			const { kv, appData } = temporaryStore(filename);
			expect(await kv.setIfAbsent({ key: "k", value: 9 })).toBe(expected);
			expect(await appData.get("k")).toBe(expected ? 9 : 3);
		}
	});

	test("a value of undefined is refused also where the key exists", async () => {
		const { kv, appData } = temporaryStore();
		await appData.set({ key: "k", value: 1 });
		await expect(kv.setIfAbsent({ key: "k", value: undefined })).rejects.toMatchObject({ argument: "entry.value" });
	});
});

describe("getAndDelete", () => {
	test("resolves with the value, and the key is gone", async () => {
		const { kv, appData } = temporaryStore();
		await appData.set([
			{ key: "k", value: { n: [1] } },
			{ key: "null", value: null },
			{ key: "old", value: 1, expiresAt: 1_000 },
		]);
		const keys = ["k", "k", "null", "old", "missing"];
		expect(await Promise.all(keys.map((key) => kv.getAndDelete(key)))).toEqual([
			{ n: [1] },
			undefined,
			null,
			undefined,
			undefined,
		]);
		expect(await appData.select("%")).toEqual([]);
	});

	test("of many at once through two stores one gets the value", async () => {
		const filename = temporaryFile();
		const stores = [temporaryStore(filename), temporaryStore(filename)];
		await stores[0].appData.set({ key: "k", value: "gift" });
		const calls = Array.from({ length: 100 }, (_, i) => stores[i % 2].kv.getAndDelete("k"));
		expect((await Promise.all(calls)).filter((value) => value !== undefined)).toEqual(["gift"]);
	});

	test("every row of the SDK goes, and the newest has the value", async () => {
		const filename = temporaryFile();
		await makeSdkFile(filename, duplicates());
		const { kv } = temporaryStore(filename);
		expect(await kv.getAndDelete("k")).toBe(3);
		expect((await rawRows(filename)).map(({ key }) => key)).toEqual(["other"]);
	});

	test("a value that nobody can have stays", async () => {
		const filename = temporaryFile();
		await makeSdkFile(filename, [{ key: "k", value: "{half" }]);
		const { kv } = temporaryStore(filename);
		await expectFailure(() => kv.getAndDelete("k"), "ERR_VALUE_NOT_JSON");
		expect((await rawRows(filename)).map(({ value }) => value)).toEqual(["{half"]);
	});

	test("several large values in one batch come back whole", async () => {
		const { kv, appData } = temporaryStore();
		const values = Array.from({ length: 20 }, (_, i) => String.fromCharCode(97 + i).repeat(200_000));
		await appData.set(values.map((value, i) => ({ key: `k${i}`, value })));
		expect(await Promise.all(values.map((_, i) => kv.getAndDelete(`k${i}`)))).toEqual(values);
	});
});

describe("expire", () => {
	test("replaces the expiry and leaves the value; null takes it away", async () => {
		const { kv, appData } = temporaryStore();
		await appData.set({ key: "k", value: { n: 1 } });
		expect(await kv.expire("k", { expiresAt: later })).toBe(true);
		const at = new Date(later);
		expect(await appData.select("k")).toEqual([{ key: "k", value: { n: 1 }, expiresAt: at, expires_at: at }]);
		expect(await kv.expire("k", { ttlMs: 10 * HOUR_MS })).toBe(true);
		expect((await appData.select("k"))[0].expiresAt - at).toBeGreaterThan(8 * HOUR_MS);
		expect(await kv.expire("k", null)).toBe(true);
		expect(await appData.select("k")).toEqual([{ key: "k", value: { n: 1 } }]);
	});

	test("is false for a key that is missing or has expired, which stays so", async () => {
		const { kv, appData } = temporaryStore();
		await appData.set({ key: "old", value: 1, expiresAt: 1_000 });
		for (const expiry of [{ ttlMs: HOUR_MS }, null]) {
			expect(await kv.expire("old", expiry)).toBe(false);
			expect(await kv.expire("missing", expiry)).toBe(false);
		}
		expect(await appData.select("%")).toEqual([]);
	});

	test("an expiry that has passed removes the key", async () => {
		const { kv, appData } = temporaryStore();
		await appData.set([
			{ key: "a", value: 1 },
			{ key: "b", value: 1 },
		]);
		expect(await Promise.all([kv.expire("a", { expiresAt: 0 }), kv.expire("b", { ttlMs: 0 })])).toEqual([true, true]);
		expect(await Promise.all([appData.get("a"), appData.get("b")])).toEqual([undefined, undefined]);
		expect(await kv.expire("a", null)).toBe(false);
	});

	test("the key keeps its place, and of rows of the SDK the newest stays alone", async () => {
		const filename = temporaryFile();
		await makeSdkFile(filename, duplicates());
		const { kv } = temporaryStore(filename);
		expect(await kv.expire("k", { expiresAt: later })).toBe(true);
		expect(await rawRows(filename)).toEqual([
			{ key: "k", community_id: null, value: "3", expires_at: later },
			{ key: "other", community_id: null, value: "0", expires_at: null },
		]);
	});

	test("a value that is no JSON stays as it is", async () => {
		const filename = temporaryFile();
		await makeSdkFile(filename, [{ key: "k", value: "{half" }]);
		const { kv } = temporaryStore(filename);
		expect(await kv.expire("k", { expiresAt: later })).toBe(true);
		expect((await rawRows(filename))[0]).toMatchObject({ value: "{half", expires_at: later });
	});
});

describe("deleteRange", () => {
	const KEYS = ["", "a", "a\0", "a:1", "a:2", "aa", "b", "z", "\u{e9}", "\u{ffff}", "\u{10000}", "\u{10ffff}"].filter(
		isStorable,
	);
	const inBytes = (key) => Buffer.from(key);
	const isBetween = (key, from, to) =>
		Buffer.compare(inBytes(key), inBytes(from)) >= 0 &&
		(to === undefined || Buffer.compare(inBytes(key), inBytes(to)) < 0);

	const ranges = [
		["every key", { prefix: "" }, () => true],
		["a prefix", { prefix: "a:" }, (key) => key.startsWith("a:")],
		["a prefix that is a key", { prefix: "a" }, (key) => key.startsWith("a")],
		["a prefix of the last character", { prefix: "\u{10ffff}" }, (key) => key.startsWith("\u{10ffff}")],
		["a prefix before the surrogates", { prefix: "\u{d7ff}" }, (key) => key.startsWith("\u{d7ff}")],
		["from a key on", { start: "b" }, (key) => isBetween(key, "b")],
		["behind a key", { startAfter: "a" }, (key) => key !== "a" && isBetween(key, "a")],
		["up to a key", { end: "a:2" }, (key) => isBetween(key, "", "a:2")],
		["between keys that are not there", { start: "a:0", end: "a:9" }, (key) => isBetween(key, "a:0", "a:9")],
		["across U+FFFF", { start: "\u{ffff}", end: "\u{10001}" }, (key) => isBetween(key, "\u{ffff}", "\u{10001}")],
		["nothing, from the wrong end", { start: "b", end: "a" }, () => false],
		["capital letters apart", { prefix: "A" }, () => false],
	];

	for (const [name, range, isIn] of ranges) {
		test(`removes ${name}, in the order of bytes, and tells how many`, async () => {
			const { kv, appData } = temporaryStore();
			await appData.set(KEYS.map((key) => ({ key, value: 1 })));
			expect(await kv.deleteRange(range)).toBe(KEYS.filter(isIn).length);
			expect((await keysOf(appData)).sort()).toEqual(KEYS.filter((key) => !isIn(key)).sort());
		});
	}

	test("counts keys that are live, of each the newest row of the SDK", async () => {
		const filename = temporaryFile();
		await makeSdkFile(filename, [
			...duplicates(),
			{ key: "gone", value: "1" },
			{ key: "gone", value: "2", expires_at: 1_000 },
			{ key: "back", value: "1", expires_at: 1_000 },
			{ key: "back", value: "2", expires_at: later },
			{ key: "here", value: "1", community_id: "c" },
		]);
		const { kv } = temporaryStore(filename);
		expect(await kv.deleteRange({ prefix: "" })).toBe(3);
		expect((await rawRows(filename)).map(({ key }) => key)).toEqual(["here"]);
		expect(await kv.community("c").deleteRange({ prefix: "" })).toBe(1);
	});

	test("leaves rows of others whose keys are no text", async () => {
		const filename = temporaryFile();
		const { kv, appData, sqlite } = temporaryStore(filename);
		await appData.set({ key: "k", value: 1 });
		await sqlite.run("insert into __rootapp_kv (key, value) values (x'6b', '1')");
		expect(await kv.deleteRange({ prefix: "" })).toBe(1);
		expect(await sqlite.all("select typeof(key) as type from __rootapp_kv")).toEqual([{ type: "blob" }]);
	});

	test("takes its place among the other operations", async () => {
		const { kv, appData } = temporaryStore();
		const results = await Promise.all([
			appData.set({ key: "a", value: 1 }),
			appData.get("a"),
			kv.deleteRange({ prefix: "a" }),
			appData.get("a"),
			kv.increment("a"),
			appData.update("a", (n) => n + 1, 0),
			appData.get("a"),
			kv.deleteRange({ end: "b" }),
			kv.updateMany(["a"], ({ a = 0 }) => ({ a: a + 1 })),
			appData.get("a"),
		]);
		expect(results).toEqual([undefined, 1, 1, undefined, 1, 2, 2, 1, { a: 1 }, 1]);
	});
});

test("communities are apart in every method", async () => {
	const { kv, appData } = temporaryStore();
	const there = kv.community("c");
	expect(await there.increment("k", 5)).toBe(5);
	expect(await kv.increment("k")).toBe(1);
	expect(await kv.community("d").setIfAbsent({ key: "k", value: 0 })).toBe(true);
	expect(await kv.community("").setIfAbsent({ key: "k", value: 0 })).toBe(false);
	expect(await there.expire("k", { ttlMs: HOUR_MS })).toBe(true);
	expect(await there.updateMany(["k"], ({ k }) => ({ k: k * 2 }))).toEqual({ k: 10 });
	expect(await kv.deleteRange({ prefix: "" })).toBe(1);
	expect(await there.getAndDelete("k")).toBe(10);
	expect(await appData.get("k", "d")).toBe(0);
});

test("reads behind a write see what it has left, in the order of issue, with writes behind them", async () => {
	const { kv, appData } = temporaryStore();
	await appData.set({ key: "k", value: "there" });
	const results = await Promise.all([
		kv.setIfAbsent({ key: "k", value: "new" }),
		appData.get("k"),
		appData.set({ key: "k", value: 1 }),
		kv.expire("k", { ttlMs: HOUR_MS }),
		appData.get("k"),
		kv.increment("k"),
		appData.get("k"),
		kv.expire("k", { ttlMs: 0 }),
		appData.get("k"),
		appData.deleteLike("%"),
		kv.setIfAbsent({ key: "k", value: "last" }),
		appData.get("k"),
		appData.deleteLike("%"),
		appData.get("k"),
		kv.setIfAbsent({ key: "k", value: "end" }),
		appData.selectValue("%"),
		kv.getAndDelete("k"),
		appData.get("k"),
	]);
	expect(results.filter((result) => result !== undefined)).toEqual([
		false,
		"there",
		true,
		1,
		2,
		2,
		true,
		true,
		"last",
		true,
		["end"],
		"end",
	]);
});

test("an operation that is refused lets those behind it go on, and reads behind it see what was there", async () => {
	const { kv, appData } = temporaryStore();
	await appData.set({ key: "k", value: "text" });
	const results = await Promise.allSettled([
		kv.increment("k"),
		appData.get("k"),
		kv.setIfAbsent({ key: "k", value: 1 }),
		kv.increment("n", 1, { max: 0 }),
		appData.get("n"),
		kv.increment("n"),
		kv.updateMany(["k", "n"], () => {
			throw new Error("mine");
		}),
		kv.updateMany(["k", "n"], ({ n }) => ({ k: n })),
		appData.get("k"),
	]);
	expect(results.map(({ value, reason }) => reason?.code ?? reason?.message ?? value)).toEqual([
		"ERR_VALUE_TYPE",
		"text",
		false,
		"ERR_OUT_OF_RANGE",
		undefined,
		1,
		"mine",
		{ k: 1, n: 1 },
		1,
	]);
});
