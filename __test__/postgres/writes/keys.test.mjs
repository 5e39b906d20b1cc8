// Keys and communities that PostgreSQL cannot hold are refused by every method, by the name of the argument that has them; a
// bound of a range, or a pattern, may be anything.

import { describe, expect, test } from "vitest";
import { rejection } from "../../helpers/errors.mjs";
import { storeOn, temporaryDatabase } from "../../helpers/postgres.mjs";

/** Every method that takes a key: how it is called, and what the argument is called. */
const WITH_KEY = {
	get: [({ appData }, key) => appData.get(key), "key"],
	set: [({ appData }, key) => appData.set({ key, value: 1 }), "values.key"],
	"set of several": [
		({ appData }, key) =>
			appData.set([
				{ key: "z", value: 1 },
				{ key, value: 1 },
			]),
		"values[1].key",
	],
	update: [({ appData }, key) => appData.update(key, (n) => n, 1), "key"],
	delete: [({ appData }, key) => appData.delete(key), "key"],
	has: [({ kv }, key) => kv.has(key), "key"],
	getMany: [({ kv }, key) => kv.getMany(["a", key]), "keys[1]"],
	increment: [({ kv }, key) => kv.increment(key), "key"],
	setIfAbsent: [({ kv }, key) => kv.setIfAbsent({ key, value: 1 }), "entry.key"],
	getAndDelete: [({ kv }, key) => kv.getAndDelete(key), "key"],
	expire: [({ kv }, key) => kv.expire(key, null), "key"],
	updateMany: [({ kv }, key) => kv.updateMany(["a", key], () => ({ a: 2 })), "keys[1]"],
};

const watchKeys = [({ kv }, key) => kv.watch({ keys: ["a", key] }).next(), "options.keys[1]"];

/** Every method that takes a community, or is asked of one. */
const WITH_COMMUNITY = {
	get: [({ appData }, community) => appData.get("a", community), "communityId"],
	select: [({ appData }, community) => appData.select("%", community), "communityId"],
	selectValue: [({ appData }, community) => appData.selectValue("%", community), "communityId"],
	set: [({ appData }, communityId) => appData.set({ key: "a", value: 1, communityId }), "values.communityId"],
	"set of several": [
		({ appData }, communityId) =>
			appData.set([
				{ key: "z", value: 1 },
				{ key: "a", value: 1, communityId },
			]),
		"values[1].communityId",
	],
	update: [({ appData }, community) => appData.update("a", (n) => n, 1, null, community), "communityId"],
	delete: [({ appData }, community) => appData.delete("a", community), "communityId"],
	deleteLike: [({ appData }, community) => appData.deleteLike("%", community), "communityId"],
	has: [({ kv }, id) => kv.community(id).has("a"), "id"],
	getMany: [({ kv }, id) => kv.community(id).getMany(["a"]), "id"],
	list: [({ kv }, id) => kv.community(id).list(), "id"],
	listKeys: [({ kv }, id) => kv.community(id).listKeys(), "id"],
	entries: [({ kv }, id) => kv.community(id).entries().next(), "id"],
	count: [({ kv }, id) => kv.community(id).count(), "id"],
	increment: [({ kv }, id) => kv.community(id).increment("a"), "id"],
	setIfAbsent: [({ kv }, id) => kv.community(id).setIfAbsent({ key: "a", value: 1 }), "id"],
	getAndDelete: [({ kv }, id) => kv.community(id).getAndDelete("a"), "id"],
	expire: [({ kv }, id) => kv.community(id).expire("a", null), "id"],
	updateMany: [({ kv }, id) => kv.community(id).updateMany(["a"], () => ({ a: 2 })), "id"],
	deleteRange: [({ kv }, id) => kv.community(id).deleteRange({ prefix: "" }), "id"],
};

const watchCommunity = [({ kv }, id) => kv.community(id).watch({ prefix: "" }).next(), "id"];

const BAD_KEYS = ["a\0b", "\0", "x".repeat(2_001), "\u{1f600}".repeat(501)];
const BAD_COMMUNITIES = ["c\0", "y".repeat(501), "\u00e9".repeat(251)];

/** Every method refuses every one of the texts. */
async function expectRefusals(store, methods, texts) {
	for (const [name, [call, argument]] of Object.entries(methods)) {
		for (const text of texts) {
			const error = await rejection(() => call(store, text));
			expect(error, name).toMatchObject({ code: "ERR_INVALID_ARGUMENT", argument });
			expect(error.message, name).toContain("PostgreSQL");
		}
	}
}

/** A store with two keys. */
async function filledStore() {
	const { config } = await temporaryDatabase();
	const store = storeOn(config);
	await store.appData.set([
		{ key: "a", value: 1 },
		{ key: "b", value: 2 },
	]);
	return store;
}

const expectUntouched = async ({ appData }) =>
	expect(await appData.select("%")).toEqual([
		{ key: "a", value: 1 },
		{ key: "b", value: 2 },
	]);

describe.each([
	["a key", { ...WITH_KEY }, { watch: watchKeys }, BAD_KEYS],
	["a community", { ...WITH_COMMUNITY }, { watch: watchCommunity }, BAD_COMMUNITIES],
])("%s with a NUL, or too long", (_, methods, watches, texts) => {
	test("is refused by every method, and nothing is written", async () => {
		const store = await filledStore();
		await expectRefusals(store, { ...methods, ...watches }, texts);
		await expectUntouched(store);
	});

	test("is refused in a transaction, which goes on", async () => {
		const store = await filledStore();
		await store.transaction(async (tx) => {
			await expectRefusals(tx, methods, texts);
			await tx.kv.increment("a", 0);
		});
		await expectUntouched(store);
	});
});

test("the longest keys and communities are kept, and found by every method", async () => {
	const store = await filledStore();
	const [key, communityId] = ["k".repeat(2_000), "c".repeat(500)];
	await store.appData.set({ key, value: 3, communityId });
	const kv = store.kv.community(communityId);
	expect(await store.appData.select("k%", communityId)).toEqual([{ key, value: 3 }]);
	expect(await kv.getMany([key])).toEqual([3]);
	expect(await kv.increment(key)).toBe(4);
	expect(await kv.listKeys({ prefix: key })).toEqual({ entries: [key], cursor: undefined });
	expect(await kv.deleteRange({ prefix: "k" })).toBe(1);
});

test("a bound with a NUL, or longer than a key, lies where it does on SQLite, and a pattern with one matches nothing", async () => {
	const store = await filledStore();
	const { appData, kv } = store;
	const keys = async (range) => (await kv.listKeys(range)).entries;
	expect(await keys({ start: "a\0" })).toEqual(["b"]);
	expect(await keys({ startAfter: "a\0z" })).toEqual(["b"]);
	// The keys below the least one after `a` end with `a` itself.
	expect(await keys({ end: "a\0" })).toEqual(["a"]);
	expect(await keys({ prefix: "a\0" })).toEqual([]);
	expect(await keys({ start: "a".repeat(100_000) })).toEqual(["b"]);
	expect(await keys({ end: "a".repeat(100_000) })).toEqual(["a"]);
	expect(await kv.count({ prefix: "\0" })).toBe(0);
	expect(await kv.deleteRange({ start: "a\0", end: "b\0\0" })).toBe(1);
	expect(await appData.select("%\0%")).toEqual([]);
	await appData.deleteLike("a\0%");
	await appData.deleteLike("%".repeat(100_000).concat("z"));
	expect(await keys()).toEqual(["a"]);
});

test("a key that is deleted and set again comes last, and no other whose community and name together read like its own", async () => {
	const { appData } = await filledStore();
	await appData.set(["b\u0001c", "z"].map((key) => ({ key, value: 1, communityId: "a" })));
	await appData.set({ key: "c", value: 1, communityId: "a\u0001b" });
	await Promise.all([
		appData.delete("c", "a\u0001b"),
		appData.set({ key: "c", value: 2, communityId: "a\u0001b" }),
		appData.set({ key: "b\u0001c", value: 2, communityId: "a" }),
	]);
	expect((await appData.select("%", "a")).map(({ key }) => key)).toEqual(["b\u0001c", "z"]);
	await Promise.all([appData.delete("b\u0001c", "a"), appData.set({ key: "b\u0001c", value: 3, communityId: "a" })]);
	expect((await appData.select("%", "a")).map(({ key }) => key)).toEqual(["z", "b\u0001c"]);
});
