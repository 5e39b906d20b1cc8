// dataStore.kv on files that others have made: rows of SDK 0.17.0 that share a key, rows of no key, and other encodings.

import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { makeSdkFile, raw, SDK_SCHEMA } from "../../helpers/raw.mjs";
import { temporaryFile, temporaryStore } from "../../helpers/store.mjs";

const require = createRequire(import.meta.url);
const HOUR_MS = 3_600_000;
const LATER = Date.now() + HOUR_MS;

/** Rows of a file of the SDK: `set` on an existing key has added rows. */
const ROWS = [
	{ key: "b", value: '"old"' },
	{ key: "a", value: '"only"' },
	{ key: "b", value: '"newer"', expires_at: LATER },
	{ key: "c", value: '"live again"', expires_at: 5 },
	{ key: "d", value: '"was"' },
	{ key: "b", value: '"newest"' },
	{ key: "c", value: '"live"' },
	{ key: "d", value: '"is gone"', expires_at: 5 },
	{ key: "e", value: "no JSON" },
	{ key: "e", value: '"JSON"', expires_at: LATER },
];

const LIVE = [
	["a", "only"],
	["b", "newest"],
	["c", "live"],
	["e", "JSON"],
];

async function expectLive(kv) {
	const pairs = ({ entries }) => entries.map(({ key, value }) => [key, value]);
	expect(pairs(await kv.list())).toEqual(LIVE);
	expect(pairs(await kv.list({ reverse: true }))).toEqual([...LIVE].reverse());
	for (const reverse of [false, true]) {
		const found = [];
		let cursor;
		do {
			const page = await kv.list({ limit: 1, reverse, cursor });
			expect(page.entries.length).toBe(1);
			found.push(...pairs(page));
			cursor = page.cursor;
		} while (cursor !== undefined);
		expect(found).toEqual(reverse ? [...LIVE].reverse() : LIVE);
	}
	const entries = [];
	for await (const { key, value } of kv.entries()) entries.push([key, value]);
	expect(entries).toEqual(LIVE);
	expect((await kv.listKeys()).entries).toEqual(LIVE.map(([key]) => key));
	for (let round = 0; round < 2; round++) {
		expect(await kv.count()).toBe(4);
		expect(await kv.count({ start: "b", end: "e" })).toBe(2);
		expect(await kv.getMany(["a", "b", "c", "d", "e"])).toEqual(["only", "newest", "live", undefined, "JSON"]);
	}
	expect(await Promise.all(["b", "d"].map((key) => kv.has(key)))).toEqual([true, false]);
}

describe("a key with several rows is one, with its newest row", () => {
	test("in lists, pages, counts and reads of keys", async () => {
		const filename = temporaryFile();
		await makeSdkFile(filename, ROWS);
		const { kv, sqlite } = temporaryStore(filename);
		await expectLive(kv);
		await sqlite.transaction(async (tx) => expectLive(tx.kv));
	});

	test("also while the SDK adds rows between the pages, and after a count that found none", async () => {
		const filename = temporaryFile();
		const { appData, kv } = temporaryStore(filename);
		await appData.set(Array.from({ length: 50 }, (_, index) => ({ key: `k${10 + index}`, value: 0 })));
		expect(await kv.count()).toBe(50);
		expect(await kv.count()).toBe(50);
		const found = [];
		let cursor;
		let rows = 0;
		do {
			const page = await kv.list({ limit: 7, cursor });
			found.push(...page.entries);
			cursor = page.cursor;
			rows += 3;
			await raw(
				filename,
				...["k10", page.entries.at(-1).key, "k59"].map((key) => [
					"insert into __rootapp_kv (key, value) values (?, ?)",
					key,
					String(rows),
				]),
			);
			expect(await kv.count()).toBe(50);
			expect(await kv.count({ start: "k10", end: "k20" })).toBe(10);
			expect(await kv.getMany(["k10", "k59"])).toEqual([rows, rows]);
		} while (cursor !== undefined);
		expect(found.map(({ key }) => key)).toEqual(Array.from({ length: 50 }, (_, index) => `k${10 + index}`));
		// A write leaves one row.
		await appData.set(["k10", "k59"].map((key) => ({ key, value: "mine" })));
		expect(await kv.getMany(["k10", "k59"])).toEqual(["mine", "mine"]);
		expect(await kv.count()).toBe(50);
	});
});

test("a count needs no index", async () => {
	const filename = temporaryFile();
	await makeSdkFile(filename, ROWS);
	await temporaryStore(filename).close();
	await raw(filename, "drop index __rootapp_kv_community_id_key_unique");
	const { appData, kv } = temporaryStore(filename);
	for (let round = 0; round < 2; round++) {
		expect(await kv.count()).toBe(4);
		expect(await kv.count({ start: "b", end: "e" })).toBe(2);
	}
	await appData.set({ key: "b2", value: 1 });
	expect(await kv.count({ start: "b", end: "e" })).toBe(3);
});

test("a count in a community needs no index either", async () => {
	const filename = temporaryFile();
	const { appData, kv } = temporaryStore(filename);
	await appData.set(["a", "b"].map((key) => ({ key, value: 1, communityId: "C" })));
	expect(await kv.community("C").count()).toBe(2);
	await raw(
		filename,
		"drop index __rootapp_kv_community_id_key_unique",
		"insert into __rootapp_kv (key, value, community_id) values ('a', '2', 'C'), ('c', '3', 'C')",
	);
	for (let round = 0; round < 2; round++) {
		expect(await kv.community("C").count()).toBe(3);
		expect(await kv.community("C").count({ end: "b" })).toBe(1);
		expect((await kv.community("C").listKeys()).entries).toEqual(["a", "b", "c"]);
	}
});

test.each([
	["in a store", (store, count) => count(store)],
	["in a transaction", ({ sqlite }, count) => sqlite.transaction(count)],
])("a count %s that was made by the index goes on when another program removes that", async (_where, run) => {
	const filename = temporaryFile();
	const store = temporaryStore(filename);
	await store.appData.set(["a", "b"].map((key) => ({ key, value: 1 })));
	const count = () => run(store, ({ kv }) => kv.count());
	expect(await count()).toBe(2);
	await raw(filename, "drop index __rootapp_kv_community_id_key_unique");
	for (let round = 0; round < 2; round++) expect(await count()).toBe(2);
	await raw(filename, "insert into __rootapp_kv (key, value) values ('a', '2'), ('c', '3')");
	expect(await count()).toBe(3);
});

test("a count follows every way in which keys change hands after a quick one", async () => {
	const filename = temporaryFile();
	const { appData, kv, sqlite } = temporaryStore(filename);
	const other = temporaryStore(filename);
	const insert = "INSERT INTO __rootapp_kv (key, value) VALUES (?, '1')";
	const steps = [
		[() => appData.set({ key: "b", value: 1 }), 2],
		[() => sqlite.run(insert, ["a"]), 2],
		[() => appData.set({ key: "a", value: 2 }), 2],
		[() => sqlite.transaction((tx) => tx.run(insert, ["b"])), 2],
		[() => other.appData.set({ key: "c", value: 1 }), 3],
		[() => raw(filename, ["insert into __rootapp_kv (key, value) values ('c', '1')"]), 3],
		[() => appData.set({ key: "past", value: 1, expiresAt: 5 }), 3],
		[() => raw(filename, ["insert into __rootapp_kv (key, value) values ('past', '1')"]), 4],
		[() => other.appData.deleteLike("%"), 0],
		[
			() =>
				raw(filename, ...["x", "x", "y"].map((key) => ["insert into __rootapp_kv (key, value) values (?, '1')", key])),
			2,
		],
	];
	await appData.set({ key: "a", value: 1 });
	for (const [index, [step, expected]] of steps.entries()) {
		// Twice, so that what is known is used.
		for (let round = 0; round < 2; round++) expect(await kv.count()).toBe(index === 0 ? 1 : steps[index - 1][1]);
		await step();
		expect(await kv.count(), `step ${index}`).toBe(expected);
		expect(await kv.count({ prefix: "" })).toBe((await kv.listKeys()).entries.length);
	}
});

test("rows whose key is no text belong to no key", async () => {
	const filename = temporaryFile();
	await raw(
		filename,
		...SDK_SCHEMA,
		"insert into __rootapp_kv (key, value) values ('a', '1'), (x'61', '2'), (x'ff', '3'), (cast(x'61ff' as text), '4'), ('b', '5')",
		"insert into __rootapp_kv (key, value, community_id) values ('a', '1', 'C'), (x'61', '2', 'C')",
	);
	const { kv } = temporaryStore(filename);
	for (const reverse of [false, true]) {
		const keys = reverse ? ["b", "a"] : ["a", "b"];
		expect(await kv.listKeys({ reverse })).toEqual({ entries: keys, cursor: undefined });
		expect((await kv.list({ reverse, limit: 1 })).entries.length).toBe(1);
	}
	for (let round = 0; round < 2; round++) {
		expect(await kv.count()).toBe(2);
		expect(await kv.count({ prefix: "a" })).toBe(1);
		expect(await kv.community("C").count()).toBe(1);
	}
	expect(await kv.getMany(["a", "b"])).toEqual([1, 5]);
});

test("a value that is not JSON is an error only of the page that has it", async () => {
	const filename = temporaryFile();
	await makeSdkFile(filename, [
		{ key: "a", value: "1" },
		{ key: "b", value: "no JSON" },
		{ key: "c", value: "3" },
	]);
	const { kv } = temporaryStore(filename);
	await expect(kv.list()).rejects.toMatchObject({ code: "ERR_VALUE_NOT_JSON" });
	await expect(kv.list({ start: "b", limit: 1 })).rejects.toMatchObject({ code: "ERR_VALUE_NOT_JSON" });
	const { entries, cursor } = await kv.list({ limit: 1 });
	expect(entries).toEqual([{ key: "a", value: 1 }]);
	expect((await kv.list({ start: "c" })).entries).toEqual([{ key: "c", value: 3 }]);
	expect(await kv.listKeys({ cursor })).toEqual({ entries: ["b", "c"], cursor: undefined });
	expect(await kv.count()).toBe(3);
});

test("in a file whose texts are UTF-16 keys have the same order", async () => {
	const keys = ["", "\0", "A", "a", "a\0", "a\u{ff}", "b", "\u{100}", "\u{e000}", "\u{ffff}", "\u{10000}", "\u{1f600}"];
	for (const encoding of ["UTF-16le", "UTF-16be"]) {
		const filename = temporaryFile();
		await raw(filename, `pragma encoding = '${encoding}'`, ...SDK_SCHEMA);
		const { appData, kv } = temporaryStore(filename);
		await appData.set([...keys].reverse().map((key) => ({ key, value: key })));
		await raw(filename, [
			"insert into __rootapp_kv (key, value, expires_at) values ('b', '\"newest\"', null), ('past', '1', 5)",
		]);
		expect((await kv.listKeys()).entries).toEqual(keys);
		expect((await kv.listKeys({ reverse: true })).entries).toEqual([...keys].reverse());
		expect((await kv.list({ prefix: "a" })).entries.map(({ value }) => value)).toEqual(["a", "a\0", "a\u{ff}"]);
		expect((await kv.listKeys({ start: "b", end: "\u{ffff}" })).entries).toEqual(["b", "\u{100}", "\u{e000}"]);
		const { entries, cursor } = await kv.list({ start: "b", limit: 1 });
		expect(entries).toEqual([{ key: "b", value: "newest" }]);
		expect((await kv.listKeys({ start: "b", limit: 1, cursor })).entries).toEqual(["\u{100}"]);
		for (let round = 0; round < 2; round++) {
			expect(await kv.count()).toBe(keys.length);
			expect(await kv.count({ prefix: "a" })).toBe(3);
			expect(await kv.getMany(["b", "\u{1f600}"])).toEqual(["newest", "\u{1f600}"]);
		}
	}
});

test("a worker thread's writes are in every list, page and count that is issued after them", async () => {
	const filename = temporaryFile();
	const { kv } = temporaryStore(filename);
	const worker = new Worker(
		`const { parentPort } = require("node:worker_threads");
		const { openDataStore } = require(${JSON.stringify(require.resolve("rootcellar"))});
		const { appData } = openDataStore({ filename: ${JSON.stringify(filename)}, backup: false });
		parentPort.on("message", async (n) => {
			await appData.set({ key: "k" + String(n).padStart(3, "0"), value: n });
			parentPort.postMessage(n);
		});`,
		{ eval: true },
	);
	const answers = [];
	worker.on("message", (n) => answers.shift()(n));
	for (let n = 1; n <= 40; n++) {
		await new Promise((resolve) => {
			answers.push(resolve);
			worker.postMessage(n);
		});
		const key = `k${String(n).padStart(3, "0")}`;
		expect(
			await Promise.all([kv.count(), kv.has(key), kv.getMany([key]), kv.listKeys({ reverse: true, limit: 1 })]),
		).toEqual([n, true, [n], { entries: [key], cursor: n === 1 ? undefined : expect.any(String) }]);
	}
	await worker.terminate();
});
