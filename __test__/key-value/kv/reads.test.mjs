// dataStore.kv: has, getMany and count, beside what is written around them.

import { describe, expect, test } from "vitest";
import { expectFailure } from "../../helpers/errors.mjs";
import { makeSdkFile, raw } from "../../helpers/raw.mjs";
import { temporaryFile, temporaryStore } from "../../helpers/store.mjs";

const HOUR_MS = 3_600_000;

describe("has", () => {
	test("knows a key whatever its value, until it is deleted or expired", async () => {
		const { appData, kv } = temporaryStore();
		const values = { null: null, false: false, zero: 0, empty: "", object: {} };
		await appData.set(Object.entries(values).map(([key, value]) => ({ key, value })));
		for (const key of Object.keys(values)) expect(await kv.has(key)).toBe(true);
		await appData.set([
			{ key: "past", value: 1, expiresAt: 5 },
			{ key: "soon", value: 1, expiresAt: Date.now() + HOUR_MS },
		]);
		expect(await Promise.all(["past", "soon", "missing"].map((key) => kv.has(key)))).toEqual([false, true, false]);
		await appData.delete("null");
		expect(await kv.has("null")).toBe(false);
	});

	test("sees what was issued before it, and nothing that was issued after it", async () => {
		const { appData, kv } = temporaryStore();
		const seen = [
			kv.has("a"),
			appData.set({ key: "a", value: 1 }),
			kv.has("a"),
			appData.delete("a"),
			kv.has("a"),
			appData.update("a", (n) => n + 1, 0),
			kv.has("a"),
			appData.deleteLike("a%"),
			kv.has("a"),
		];
		expect((await Promise.all(seen)).filter((value) => typeof value === "boolean")).toEqual([
			false,
			true,
			false,
			true,
			false,
		]);
	});

	test("does not need the value to be JSON", async () => {
		const filename = temporaryFile();
		await makeSdkFile(filename, [{ key: "a", value: "no JSON" }]);
		const { kv } = temporaryStore(filename);
		expect(await kv.has("a")).toBe(true);
		expect(await kv.has("a")).toBe(true);
	});
});

describe("getMany", () => {
	test("has a value for each key in its place, also for one that is asked for twice", async () => {
		const { appData, kv } = temporaryStore();
		await appData.set([
			{ key: "a", value: { n: 1 } },
			{ key: "", value: null },
			{ key: "past", value: 1, expiresAt: 5 },
			{ key: "7", value: "seven" },
		]);
		const keys = ["a", "missing", "", "past", "a", 7];
		const expected = [{ n: 1 }, undefined, null, undefined, { n: 1 }, "seven"];
		// From the file, and from the cache.
		for (let round = 0; round < 3; round++) expect(await kv.getMany(keys)).toEqual(expected);
		expect(await kv.getMany([])).toEqual([]);
	});

	test("gives each caller objects of its own", async () => {
		const { appData, kv } = temporaryStore();
		await appData.set({ key: "a", value: { n: 1 } });
		for (let round = 0; round < 3; round++) {
			const [one, two] = await kv.getMany(["a", "a"]);
			expect([one, two]).toEqual([{ n: 1 }, { n: 1 }]);
			expect(one).not.toBe(two);
			one.n = "changed";
		}
		expect(await appData.get("a")).toEqual({ n: 1 });
	});

	test("does not change with the array that was passed", async () => {
		const { appData, kv } = temporaryStore();
		await appData.set([
			{ key: "a", value: 1 },
			{ key: "b", value: 2 },
		]);
		const keys = ["a", "b"];
		const values = kv.getMany(keys);
		keys.fill("missing");
		expect(await values).toEqual([1, 2]);
	});

	test("sees what was issued before it, and nothing that was issued after it, in any of its keys", async () => {
		const { appData, kv, sqlite } = temporaryStore();
		await appData.set([
			{ key: "a", value: 0 },
			{ key: "b", value: 0 },
		]);
		const read = () => kv.getMany(["a", "b", "c"]);
		const results = [
			read(),
			appData.set({ key: "c", value: 1 }),
			read(),
			appData.update("b", (n) => n + 1, 0),
			appData.delete("a"),
			read(),
			appData.deleteLike("c"),
			read(),
			sqlite.run("UPDATE __rootapp_kv SET value = '9' WHERE key = 'b'"),
			appData.set([
				{ key: "a", value: 5 },
				{ key: "c", value: 5 },
			]),
			read(),
		];
		expect((await Promise.all(results)).filter(Array.isArray)).toEqual([
			[0, 0, undefined],
			[0, 0, 1],
			[undefined, 1, 1],
			[undefined, 1, undefined],
			[5, 9, 5],
		]);
	});

	test("sees an array that is written whole or not at all, whether its keys are cached or not", async () => {
		const filename = temporaryFile();
		const writer = temporaryStore(filename);
		const reader = temporaryStore(filename);
		const keys = Array.from({ length: 50 }, (_, index) => `k${index}`);
		await writer.appData.set(keys.map((key) => ({ key, value: 0 })));
		let isWriting = true;
		const write = (async () => {
			for (let round = 1; round <= 150; round++) {
				await writer.appData.set(keys.map((key) => ({ key, value: round })));
			}
			isWriting = false;
		})();
		const seen = new Set();
		while (isWriting) {
			// A part of the keys is cached when the rest is read.
			const some = await reader.kv.getMany(keys.slice(0, 20));
			const all = await reader.kv.getMany(keys);
			expect(new Set(some).size).toBe(1);
			expect(new Set(all).size).toBe(1);
			expect(all[0]).toBeGreaterThanOrEqual(some[0]);
			seen.add(all[0]);
		}
		await write;
		expect(await reader.kv.getMany(keys)).toEqual(keys.map(() => 150));
		expect(seen.size).toBeGreaterThan(3);
	});

	test("reads 5,000 keys, and values of many megabytes, as of one moment", async () => {
		const { appData, kv } = temporaryStore();
		const keys = Array.from({ length: 5_000 }, (_, index) => `k${index}`);
		await appData.set(keys.map((key, index) => ({ key, value: index })));
		expect(await kv.getMany(keys)).toEqual(keys.map((_, index) => index));
		const large = ["x", "y", "z"].map((letter) => ({ key: letter, value: letter.repeat(12 << 20) }));
		await appData.set(large);
		const found = await kv.getMany(["x", "y", "z", "k7"]);
		expect(found.map((value) => (typeof value === "string" ? value.length : value))).toEqual([
			12 << 20,
			12 << 20,
			12 << 20,
			7,
		]);
	});

	test("refuses a value that is not JSON, however it is found", async () => {
		const filename = temporaryFile();
		await makeSdkFile(filename, [
			{ key: "a", value: "no JSON" },
			{ key: "b", value: "1" },
		]);
		const { appData, kv } = temporaryStore(filename);
		for (let round = 0; round < 2; round++) {
			await expectFailure(() => kv.getMany(["b", "a"]), "ERR_VALUE_NOT_JSON");
		}
		const write = appData.set({ key: "b", value: 2 });
		await expectFailure(() => kv.getMany(["b", "a"]), "ERR_VALUE_NOT_JSON");
		await write;
		expect(await kv.getMany(["b"])).toEqual([2]);
	});

	test("sees at once what another SQLite library has written, also where a part is cached", async () => {
		const filename = temporaryFile();
		const { appData, kv } = temporaryStore(filename);
		await appData.set([
			{ key: "a", value: 1 },
			{ key: "b", value: 1 },
		]);
		expect(await kv.getMany(["a", "b"])).toEqual([1, 1]);
		await raw(filename, "update __rootapp_kv set value = '2'");
		expect(await kv.getMany(["a", "b", "c"])).toEqual([2, 2, undefined]);
		await raw(filename, "delete from __rootapp_kv where key = 'a'");
		expect(await kv.getMany(["a", "b", "c"])).toEqual([undefined, 2, undefined]);
	});
});

describe("count", () => {
	test("counts what list would list", async () => {
		const { appData, kv } = temporaryStore();
		await appData.set([
			...Array.from({ length: 250 }, (_, index) => ({ key: `a:${index}`, value: index })),
			...Array.from({ length: 20 }, (_, index) => ({ key: `b:${index}`, value: index, communityId: "C" })),
			{ key: "a:past", value: 1, expiresAt: 5 },
			{ key: "a:soon", value: 1, expiresAt: Date.now() + HOUR_MS },
			{ key: "z", value: 1 },
		]);
		expect(await kv.count()).toBe(252);
		expect(await kv.count({})).toBe(252);
		expect(await kv.count({ prefix: "" })).toBe(252);
		expect(await kv.count({ prefix: "a:" })).toBe(251);
		expect(await kv.count({ prefix: "a:1" })).toBe(111);
		expect(await kv.count({ start: "a:99", end: "b" })).toBe(2);
		expect(await kv.count({ startAfter: "a:99", end: "b" })).toBe(1);
		expect(await kv.count({ start: "b", end: "a" })).toBe(0);
		expect(await kv.count({ end: "" })).toBe(0);
		expect(await kv.community("C").count()).toBe(20);
		expect(await kv.community("C").count({ prefix: "a" })).toBe(0);
	});

	test("is as of its turn, again and again while keys come and go", async () => {
		const { appData, kv } = temporaryStore();
		const counts = [];
		for (let index = 0; index < 30; index++) {
			appData.set({ key: `k${index}`, value: index });
			counts.push(kv.count({ prefix: "k" }));
			appData.delete(`k${index - 10}`);
			appData.set({ key: `past${index}`, value: 1, expiresAt: 5 });
			counts.push(kv.count());
		}
		const expected = Array.from({ length: 30 }, (_, index) => [Math.min(index + 1, 11), Math.min(index + 1, 10)]);
		expect(await Promise.all(counts)).toEqual(expected.flat());
	});
});

describe("in a transaction", () => {
	test("every read sees what the transaction has written, and nobody else does", async () => {
		const { appData, kv, sqlite } = temporaryStore();
		await appData.set([
			{ key: "a", value: 1 },
			{ key: "gone", value: 1 },
		]);
		await sqlite.transaction(async (tx) => {
			tx.appData.set({ key: "b", value: 2 });
			tx.appData.delete("gone");
			tx.appData.update("a", (n) => n + 1, 0);
			const [values, count, keys, hasGone, page] = await Promise.all([
				tx.kv.getMany(["a", "b", "gone"]),
				tx.kv.count(),
				tx.kv.listKeys(),
				tx.kv.has("gone"),
				tx.kv.list({ reverse: true, limit: 1 }),
			]);
			expect(values).toEqual([2, 2, undefined]);
			expect(count).toBe(2);
			expect(keys).toEqual({ entries: ["a", "b"], cursor: undefined });
			expect(hasGone).toBe(false);
			expect(page.entries).toEqual([{ key: "b", value: 2 }]);
			const entries = [];
			for await (const entry of tx.kv.entries()) entries.push(entry.value);
			expect(entries).toEqual([2, 2]);

			expect(await kv.getMany(["a", "b", "gone"])).toEqual([1, undefined, 1]);
			expect(await kv.count()).toBe(2);
			expect((await kv.listKeys()).entries).toEqual(["a", "gone"]);

			await tx
				.transaction(async (inner) => {
					await inner.appData.set({ key: "c", value: 3, communityId: "C" });
					expect(await inner.kv.community("C").count()).toBe(1);
					throw new Error("back");
				})
				.catch(() => {});
			expect(await tx.kv.community("C").count()).toBe(0);
		});
		expect((await kv.listKeys()).entries).toEqual(["a", "b"]);
	});

	test("once it has ended, every read is refused", async () => {
		const { sqlite } = temporaryStore();
		const kv = await sqlite.transaction(async (tx) => tx.kv);
		await expectRefused(kv, "ERR_TRANSACTION_CLOSED");
	});
});

test("after the store is closed every read is refused", async () => {
	const store = temporaryStore();
	await store.appData.set({ key: "a", value: 1 });
	await store.kv.getMany(["a"]);
	await store.close();
	const { kv } = store;
	await expectRefused(kv, "ERR_STORE_CLOSED");
});

/** Every read is refused, for the same reason. */
async function expectRefused(kv, code) {
	for (const read of [
		() => kv.has("a"),
		() => kv.getMany(["a"]),
		() => kv.list(),
		() => kv.listKeys(),
		() => kv.count(),
		() => kv.entries().next(),
	]) {
		await expectFailure(read, code);
	}
}
