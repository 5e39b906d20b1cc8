// Bad input to the methods of `kv` that write: each case has its error, nothing is written, and the next call works.

import { describe, expect, test } from "vitest";
import { expectArgumentError, expectFailure, rejection, SECRET } from "../../helpers/errors.mjs";
import { temporaryStore } from "../../helpers/store.mjs";

/** An object whose property `name` cannot be read. */
const unreadable = (name) =>
	Object.defineProperty({}, name, {
		enumerable: true,
		get() {
			throw new Error("thrown by the bot");
		},
	});

const value = SECRET;
const badKeys = [undefined, null, true, 5n, Number.NaN, {}, ["k"], Symbol("k"), "\ud800", "a\udc00b"];
const badExpiries = [
	["both", { ttlMs: 1, expiresAt: 1 }, "expiresAt"],
	["a negative duration", { ttlMs: -1 }, "ttlMs"],
	["a duration that is no number", { ttlMs: "60" }, "ttlMs"],
	["a duration of NaN", { ttlMs: Number.NaN }, "ttlMs"],
	["a duration without end", { ttlMs: Number.POSITIVE_INFINITY }, "ttlMs"],
	["an invalid date", { expiresAt: new Date(Number.NaN) }, "expiresAt"],
	["a date as a text", { expiresAt: "2030-01-01" }, "expiresAt"],
	["a time beyond every date", { expiresAt: 8.7e15 }, "expiresAt"],
	["the SDK's spelling", { expires_at: 1 }, "expires_at"],
	["a mistyped name", { ttl: 1 }, "ttl"],
	["a getter that throws", unreadable("ttlMs"), undefined],
];
const notOptions = [
	["null", null],
	["a text", "60"],
	["a number", 60],
	["an array", []],
	["a function", () => {}],
	["a Date", new Date()],
	["a Map", new Map([["ttlMs", 60]])],
	["a boxed text", new String("60")],
];

/** Calls, each with a name, the call and the argument that its error names. */
const CASES = {
	increment: [
		...badKeys.map((key) => [`the key ${String(key)}`, (kv) => kv.increment(key), "key"]),
		...["1", null, 1n, Number.NaN, Number.POSITIVE_INFINITY, {}].map((by) => [
			`by ${typeof by} ${String(by)}`,
			(kv) => kv.increment("k", by),
			"by",
		]),
		...notOptions.map(([name, options]) => [name, (kv) => kv.increment("k", 1, options), "options"]),
		...badExpiries.map(([name, expiry, at]) => [
			name,
			(kv) => kv.increment("k", 1, expiry),
			at ? `options.${at}` : "options",
		]),
		["min as a text", (kv) => kv.increment("k", 1, { min: "0" }), "options.min"],
		["min of null", (kv) => kv.increment("k", 1, { min: null }), "options.min"],
		["max of NaN", (kv) => kv.increment("k", 1, { max: Number.NaN }), "options.max"],
		["max as a bigint", (kv) => kv.increment("k", 1, { max: 5n }), "options.max"],
		["min above max", (kv) => kv.increment("k", 1, { min: 2, max: 1 }), "options.min"],
		["an unknown option", (kv) => kv.increment("k", 1, { maximum: 1 }), "options.maximum"],
	],
	setIfAbsent: [
		...badKeys.map((key) => [`the key ${String(key)}`, (kv) => kv.setIfAbsent({ key, value }), "entry.key"]),
		...[["undefined", undefined], ...notOptions].map(([name, entry]) => [name, (kv) => kv.setIfAbsent(entry), "entry"]),
		...badExpiries.map(([name, expiry, at]) => [
			name,
			(kv) => kv.setIfAbsent(Object.defineProperties({ key: "k", value }, Object.getOwnPropertyDescriptors(expiry))),
			at ? `entry.${at}` : "entry",
		]),
		["no value", (kv) => kv.setIfAbsent({ key: "k" }), "entry.value"],
		["a function", (kv) => kv.setIfAbsent({ key: "k", value: () => value }), "entry.value"],
		["a community", (kv) => kv.setIfAbsent({ key: "k", value, communityId: "c" }), "entry.communityId"],
	],
	getAndDelete: badKeys.map((key) => [`the key ${String(key)}`, (kv) => kv.getAndDelete(key), "key"]),
	expire: [
		...badKeys.map((key) => [`the key ${String(key)}`, (kv) => kv.expire(key, null), "key"]),
		...[["undefined", undefined], ...notOptions.slice(1), ["nothing", {}]].map(([name, expiry]) => [
			name,
			(kv) => kv.expire("k", expiry),
			"expiry",
		]),
		["null within", (kv) => kv.expire("k", { expiresAt: null }), "expiry"],
		...badExpiries.map(([name, expiry, at]) => [name, (kv) => kv.expire("k", expiry), at ? `expiry.${at}` : "expiry"]),
	],
	deleteRange: [
		...[["undefined", undefined], ["nothing", {}], ["undefined within", { prefix: undefined }], ...notOptions].map(
			([name, range]) => [name, (kv) => kv.deleteRange(range), "range"],
		),
		["prefix and start", (kv) => kv.deleteRange({ prefix: "a", start: "b" }), "range.prefix"],
		["prefix and end", (kv) => kv.deleteRange({ prefix: "a", end: "b" }), "range.prefix"],
		["start and startAfter", (kv) => kv.deleteRange({ start: "a", startAfter: "b" }), "range.startAfter"],
		["a limit", (kv) => kv.deleteRange({ prefix: "a", limit: 5 }), "range.limit"],
		...["prefix", "start", "startAfter", "end"].map((name) => [
			`a lone surrogate as ${name}`,
			(kv) => kv.deleteRange({ [name]: "\ud800" }),
			`range.${name}`,
		]),
		["a prefix of null", (kv) => kv.deleteRange({ prefix: null }), "range.prefix"],
	],
	updateMany: [
		...[undefined, null, "k", 5, {}, new Set(["k"])].map((keys) => [
			`keys of ${String(keys)}`,
			(kv) => kv.updateMany(keys, () => ({})),
			"keys",
		]),
		...badKeys.map((key) => [`the key ${String(key)}`, (kv) => kv.updateMany(["a", key], () => ({})), "keys[1]"]),
		["a hole", (kv) => kv.updateMany(new Array(2), () => ({})), "keys[0]"],
		[
			"1,001 keys",
			(kv) =>
				kv.updateMany(
					Array.from({ length: 1_001 }, (_, i) => `k${i}`),
					() => ({}),
				),
			"keys",
		],
		...[undefined, null, {}, "f"].map((updateFunc) => [
			`a function of ${String(updateFunc)}`,
			(kv) => kv.updateMany(["k"], updateFunc),
			"updateFunc",
		]),
		["an async function", (kv) => kv.updateMany(["k"], async () => ({ k: value })), "updateFunc"],
	],
};

for (const [method, cases] of Object.entries(CASES)) {
	test(`${method} refuses each bad argument by its name, and writes nothing`, async () => {
		const { kv, appData, sqlite } = temporaryStore();
		await appData.set({ key: "kept", value: 1 });
		const before = await sqlite.all("select * from __rootapp_kv");
		for (const [name, call, argument] of cases) {
			for (const scope of [kv, kv.community("c")]) {
				const error = await rejection(() => call(scope));
				expectArgumentError(error, argument);
				expect(error.message, name).toContain(argument);
			}
		}
		expect(await sqlite.all("select * from __rootapp_kv")).toEqual(before);
		expect(await kv.increment("kept")).toBe(2);
	});
}

describe("a closed store", () => {
	test("refuses every method", async () => {
		const store = temporaryStore();
		await store.close();
		const { kv } = store;
		for (const call of [
			() => kv.increment("k"),
			() => kv.setIfAbsent({ key: "k", value }),
			() => kv.getAndDelete("k"),
			() => kv.expire("k", null),
			() => kv.deleteRange({ prefix: "" }),
			() => kv.updateMany(["k"], () => ({})),
		]) {
			await expectFailure(call, "ERR_STORE_CLOSED");
		}
	});
});
