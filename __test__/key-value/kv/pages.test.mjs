// dataStore.kv: list, listKeys and entries: order, ranges, pages and cursors.

import { describe, expect, test } from "vitest";
import { isStorable } from "../../helpers/storable.mjs";
import { temporaryFile, temporaryStore } from "../../helpers/store.mjs";
import { until } from "../../helpers/time.mjs";

/** Keys whose order by bytes differs from JavaScript's, or whose borders are easy to get wrong. In order. */
const KEYS = [
	"",
	"\0",
	"\0a",
	"A",
	"Z",
	"a",
	"a\0",
	"a\0b",
	"a\u{1}",
	"aa",
	"a\u{ffff}",
	"a\u{10ffff}",
	"a\u{10ffff}\u{10ffff}",
	"b",
	"\u{7f}",
	"\u{80}",
	"\u{d7ff}",
	"\u{d7ff}\0",
	"\u{e000}",
	"\u{ffff}",
	"\u{10000}",
	"\u{1f600}",
	"\u{1f600}b",
	"\u{10ffff}",
	"\u{10ffff}x",
].filter(isStorable);

const bytesOf = (key) => Buffer.from(key);

/** The keys of a range by its definition. */
function keysIn(keys, { prefix, start, startAfter, end, reverse = false }) {
	const found = keys
		.filter((key) => prefix === undefined || bytesOf(key).subarray(0, bytesOf(prefix).length).equals(bytesOf(prefix)))
		.filter((key) => start === undefined || Buffer.compare(bytesOf(key), bytesOf(start)) >= 0)
		.filter((key) => startAfter === undefined || Buffer.compare(bytesOf(key), bytesOf(startAfter)) > 0)
		.filter((key) => end === undefined || Buffer.compare(bytesOf(key), bytesOf(end)) < 0)
		.sort((one, two) => Buffer.compare(bytesOf(one), bytesOf(two)));
	return reverse ? found.reverse() : found;
}

async function storeOf(keys, communityId) {
	const store = temporaryStore();
	const entries = keys.map((key, index) => ({ key, value: index, communityId }));
	// Not in their order.
	await store.appData.set([...entries.filter((_, index) => index % 2), ...entries.filter((_, index) => !(index % 2))]);
	return store;
}

/** Every page of a list. */
async function pagesOf(list, options) {
	const pages = [];
	let cursor;
	do {
		const page = await list({ ...options, ...(cursor === undefined ? {} : { cursor }) });
		pages.push(page.entries);
		cursor = page.cursor;
	} while (cursor !== undefined);
	return pages;
}

describe("order and ranges", () => {
	test("keys are in the order of their bytes in UTF-8, from either end", async () => {
		expect(keysIn(KEYS, {})).toEqual(KEYS);
		expect([...KEYS].sort()).not.toEqual(KEYS);
		const { kv } = await storeOf(KEYS);
		expect((await kv.listKeys()).entries).toEqual(KEYS);
		expect((await kv.listKeys({ reverse: true })).entries).toEqual([...KEYS].reverse());
		expect((await kv.list()).entries.map(({ key, value }) => KEYS[value] === key && key)).toEqual(KEYS);
	});

	test("every prefix and every range has exactly its keys, as list, listKeys, entries and count have it", async () => {
		const { kv } = await storeOf(KEYS);
		const bounds = [undefined, ...KEYS, "nothing has it", "a\u{10fffe}", "\u{dfff}".toWellFormed()];
		const ranges = bounds.map((prefix) => ({ prefix }));
		for (const [index, from] of bounds.entries()) {
			// Each with a few ends, before and behind it.
			for (const end of [undefined, ...bounds.filter((_, other) => other % 3 === index % 3)]) {
				ranges.push({ start: from, end }, { startAfter: from, end });
			}
		}
		expect(ranges.length).toBeGreaterThan(400);
		for (const [index, range] of ranges.entries()) {
			const reverse = index % 2 === 1;
			const expected = keysIn(KEYS, { ...range, reverse });
			const message = JSON.stringify({ ...range, reverse });
			expect((await kv.listKeys({ ...range, reverse })).entries, message).toEqual(expected);
			expect(await kv.count(range), message).toBe(expected.length);
			if (index % 10 === 0) {
				const { entries } = await kv.list({ ...range, reverse });
				expect(
					entries.map(({ key }) => key),
					message,
				).toEqual(expected);
				const all = [];
				for await (const { key } of kv.entries({ ...range, reverse })) all.push(key);
				expect(all, message).toEqual(expected);
			}
		}
	});

	test("an entry has its value and, where it has one, its expiry under both names", async () => {
		const { appData, kv } = temporaryStore();
		const at = new Date(Date.now() + 3_600_000);
		await appData.set([
			{ key: "a", value: { n: [1] } },
			{ key: "b", value: null, expiresAt: at },
			{ key: "c", value: 1, expiresAt: 5 },
		]);
		const expected = [
			{ key: "a", value: { n: [1] } },
			{ key: "b", value: null, expiresAt: at, expires_at: at },
		];
		expect(await kv.list()).toEqual({ entries: expected, cursor: undefined });
		const found = [];
		for await (const entry of kv.entries()) found.push(entry);
		expect(found).toEqual(expected);
	});

	test("a community's list has its own keys alone", async () => {
		const { kv } = await storeOf(KEYS, "C");
		expect(await kv.listKeys()).toEqual({ entries: [], cursor: undefined });
		expect((await kv.community("C").listKeys()).entries).toEqual(KEYS);
		expect((await kv.community("C").community("D").listKeys()).entries).toEqual([]);
		expect((await kv.community("C").community(undefined).listKeys()).entries).toEqual([]);
		expect(await kv.community("C").community("").count()).toBe(0);
		expect(await kv.community("C").count()).toBe(KEYS.length);
	});

	test("a list sees what was issued before it, and nothing that was issued after it", async () => {
		const { appData, kv } = temporaryStore();
		const lists = [];
		for (let index = 0; index < 20; index++) {
			appData.set({ key: `k${String(index).padStart(2, "0")}`, value: index });
			lists.push(kv.listKeys({ limit: 1_000 }));
		}
		appData.deleteLike("k%");
		lists.push(kv.listKeys());
		const found = await Promise.all(lists);
		expect(found.map(({ entries }) => entries.length)).toEqual([...Array.from({ length: 20 }, (_, i) => i + 1), 0]);
	});
});

describe("pages", () => {
	test("of any size, from either end, join to the whole, and only the last has no cursor", async () => {
		const { kv } = await storeOf(KEYS);
		for (const limit of [1, 2, 7, KEYS.length - 1, KEYS.length, KEYS.length + 1, 1_000]) {
			for (const reverse of [false, true]) {
				for (const list of [
					kv.listKeys,
					async (options) => {
						const { entries, cursor } = await kv.list(options);
						return { entries: entries.map(({ key }) => key), cursor };
					},
				]) {
					const pages = await pagesOf(list, { limit, reverse });
					expect(pages.flat()).toEqual(keysIn(KEYS, { reverse }));
					expect(pages.length).toBe(Math.ceil(KEYS.length / limit));
					expect(pages.slice(0, -1).every((page) => page.length === limit)).toBe(true);
				}
			}
		}
	});

	test("have 100 entries by default, and at most 1,000", async () => {
		const { appData, kv } = temporaryStore();
		const keys = Array.from({ length: 2_345 }, (_, index) => `k${String(index).padStart(5, "0")}`);
		await appData.set(keys.map((key) => ({ key, value: key })));
		expect((await kv.list()).entries.length).toBe(100);
		const pages = await pagesOf(kv.listKeys, { limit: 1_000 });
		expect(pages.map((page) => page.length)).toEqual([1_000, 1_000, 345]);
		expect(pages.flat()).toEqual(keys);
	});

	test("do not end with a cursor where nothing but expired keys is left", async () => {
		const { appData, kv } = temporaryStore();
		await appData.set([
			{ key: "a", value: 1 },
			{ key: "b", value: 1, expiresAt: 5 },
			{ key: "c", value: 1, expiresAt: 5 },
		]);
		expect(await kv.listKeys({ limit: 1 })).toEqual({ entries: ["a"], cursor: undefined });
		expect(await kv.listKeys({ limit: 1, start: "b" })).toEqual({ entries: [], cursor: undefined });
	});

	test("may change their size on the way, and the range of a cursor may be said otherwise", async () => {
		const { kv } = await storeOf(KEYS);
		const first = await kv.listKeys({ prefix: "a", limit: 2 });
		const second = await kv.list({ start: "a", end: "b", limit: 1, cursor: first.cursor });
		const third = await kv.listKeys({ prefix: "a", cursor: second.cursor });
		const all = [...first.entries, ...second.entries.map(({ key }) => key), ...third.entries];
		expect(all).toEqual(keysIn(KEYS, { prefix: "a" }));
	});

	test("a cursor goes on after a restart, from where it was, although its key is gone", async () => {
		const filename = temporaryFile();
		const first = temporaryStore(filename);
		await first.appData.set(KEYS.map((key) => ({ key, value: 1 })));
		const forward = await first.kv.listKeys({ limit: 10 });
		const backward = await first.kv.listKeys({ limit: 10, reverse: true });
		await first.appData.delete(forward.entries.at(-1));
		await first.appData.delete(backward.entries.at(-1));
		await first.close();
		const second = temporaryStore(filename);
		const left = KEYS.filter((key) => key !== forward.entries.at(-1) && key !== backward.entries.at(-1));
		const after = await second.kv.listKeys({ cursor: forward.cursor });
		expect([...forward.entries.slice(0, -1), ...after.entries]).toEqual(left);
		const before = await second.kv.listKeys({ cursor: backward.cursor, reverse: true });
		expect([...backward.entries.slice(0, -1), ...before.entries]).toEqual([...left].reverse());
	});

	test("a key that is there all the time is given once, while others come and go around every cursor", async () => {
		const { appData, kv } = temporaryStore();
		const stays = Array.from({ length: 300 }, (_, index) => `k${String(index).padStart(4, "0")}`);
		await appData.set(stays.map((key) => ({ key, value: "stays" })));
		for (const reverse of [false, true]) {
			const found = [];
			let cursor;
			do {
				const page = await kv.list({ limit: 23, reverse, cursor });
				found.push(...page.entries);
				cursor = page.cursor;
				const last = page.entries.at(-1).key;
				// Right before and behind the cursor, and far from it.
				const around = [`${last}\0`, `${last}~`, last.slice(0, -1), "", "zzz"]
					.filter(isStorable)
					.filter((key) => !stays.includes(key));
				if (found.length % 2) await appData.set(around.map((key) => ({ key, value: "goes" })));
				else await Promise.all(around.map((key) => appData.delete(key)));
				if (stays.includes(last)) await appData.set({ key: last, value: "stays" });
			} while (cursor !== undefined);
			const expected = reverse ? [...stays].reverse() : stays;
			expect(found.filter(({ value }) => value === "stays").map(({ key }) => key)).toEqual(expected);
		}
	});
});

describe("entries", () => {
	test("go through thousands of keys, and through values of many megabytes, without gathering them", async () => {
		const { appData, kv } = temporaryStore();
		const keys = Array.from({ length: 3_500 }, (_, index) => `k${String(index).padStart(5, "0")}`);
		await appData.set(keys.map((key) => ({ key, value: key })));
		const found = [];
		for await (const { key, value } of kv.entries()) if (key === value) found.push(key);
		expect(found).toEqual(keys);
		const large = Array.from({ length: 6 }, (_, index) => ({ key: `l${index}`, value: "x".repeat(3 << 20) }));
		await appData.set(large);
		const lengths = [];
		for await (const { value } of kv.entries({ prefix: "l", reverse: true })) {
			lengths.push(value.length);
			// A write behind the page is seen: the next page is one of its own moment.
			if (lengths.length === 2) await appData.set({ key: "l0", value: "" });
		}
		expect(lengths).toEqual([...Array.from({ length: 5 }, () => 3 << 20), 0]);
	});

	test("may be left at any time, which holds up nobody", async () => {
		const { appData, kv, sqlite } = temporaryStore();
		await appData.set(Array.from({ length: 5_000 }, (_, index) => ({ key: `k${index}`, value: index })));
		for (let round = 0; round < 50; round++) {
			for await (const { key } of kv.entries()) {
				if (key) break;
			}
			const iterator = kv.entries();
			await iterator.next();
			if (round % 2) await iterator.return();
		}
		const thrown = (async () => {
			for await (const _ of kv.entries()) throw new Error("by the bot");
		})();
		await expect(thrown).rejects.toThrow("by the bot");
		// A snapshot that was held would keep the log from being emptied, for good.
		await until(async () => {
			const [{ busy, log }] = await sqlite.all("PRAGMA wal_checkpoint(TRUNCATE)");
			return busy === 0 && log === 0;
		}, "an empty log");
	});

	test("end for good, and serve calls that do not wait for each other in turn", async () => {
		const { appData, kv } = temporaryStore();
		await appData.set([
			{ key: "a", value: 1 },
			{ key: "b", value: 2 },
		]);
		const iterator = kv.entries();
		const results = await Promise.all([iterator.next(), iterator.next(), iterator.next(), iterator.next()]);
		expect(results.map(({ value, done }) => [value?.key, done])).toEqual([
			["a", false],
			["b", false],
			[undefined, true],
			[undefined, true],
		]);
		expect(iterator[Symbol.asyncIterator]()).toBe(iterator);
	});
});
