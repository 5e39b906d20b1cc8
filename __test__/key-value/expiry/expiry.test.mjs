// Expiry: what is accepted, what is returned, and when expired rows are gone from sight and from the file.

import { setTimeout as sleep } from "node:timers/promises";
import vm from "node:vm";
import { describe, expect, test } from "vitest";
import { expectArgumentError, expectInvalidArgument, rejection } from "../../helpers/errors.mjs";
import { makeSdkFile, rawCount, rawRows } from "../../helpers/raw.mjs";
import { keysOf, temporaryAppData, temporaryFile, temporaryStore } from "../../helpers/store.mjs";
import { before, past } from "../../helpers/time.mjs";

const HOUR_MS = 3_600_000;
const later = new Date(Date.now() + HOUR_MS);

describe("an entry", () => {
	const accepted = [
		["expiresAt as a Date", { expiresAt: later }],
		["expires_at as a Date", { expires_at: later }],
		["expiresAt in milliseconds", { expiresAt: later.getTime() }],
		["expires_at in milliseconds", { expires_at: later.getTime() }],
		["both spellings, agreeing", { expiresAt: later, expires_at: new Date(later) }],
		["both spellings, one of them undefined", { expiresAt: undefined, expires_at: later }],
		["a Date of another realm", { expiresAt: vm.runInNewContext(`new Date(${later.getTime()})`) }],
		["a Date of a subclass", { expiresAt: new (class Later extends Date {})(later) }],
	];

	for (const [name, expiry] of accepted) {
		test(`${name} is accepted, and returned under both names`, async () => {
			const appData = temporaryAppData();
			await appData.set({ key: "k", value: 1, ...expiry });
			const [entry] = await appData.select("k");
			expect(entry).toEqual({ key: "k", value: 1, expiresAt: later, expires_at: later });
			expect(entry.expiresAt).toBeInstanceOf(Date);
			expect(entry.expires_at).toBeInstanceOf(Date);
			expect(await appData.get("k")).toBe(1);
		});
	}

	test("an entry without an expiry is returned with neither name", async () => {
		const appData = temporaryAppData();
		await appData.set([
			{ key: "a", value: 1 },
			{ key: "b", value: 1, expiresAt: undefined, expires_at: undefined },
		]);
		for (const entry of await appData.select("%")) expect(Object.keys(entry)).toEqual(["key", "value"]);
	});

	test("what select returns may be given to set as it is", async () => {
		const appData = temporaryAppData();
		await appData.set([
			{ key: "a", value: 1 },
			{ key: "b", value: 2, expiresAt: later },
		]);
		const entries = await appData.select("%");
		await appData.deleteLike("%");
		await appData.set(entries);
		expect(await appData.select("%")).toEqual(entries);
	});

	const unusable = [
		["an invalid Date", new Date(Number.NaN)],
		["a text", "2030-01-01"],
		["a boolean", true],
		["a BigInt", 4_000_000_000_000n],
		["NaN", Number.NaN],
		["infinity", Number.POSITIVE_INFINITY],
		["a number past the last Date", 8_640_000_000_000_001],
		["an object", { getTime: () => 1 }],
		["an array", [1]],
		["a symbol", Symbol("s")],
		["a function", () => 1],
		["an object that only looks like a Date", Object.create(Date.prototype)],
		["a proxy of a Date", new Proxy(new Date(), {})],
	];

	for (const [name, expiresAt] of unusable) {
		test(`${name} as an expiry is a TypeError, and nothing is written`, async () => {
			const appData = temporaryAppData();
			await appData.set({ key: "k", value: "before" });
			const entry = { key: "k", value: "after" };
			await expectInvalidArgument(() => appData.set({ ...entry, expiresAt }), "values.expiresAt");
			await expectInvalidArgument(() => appData.set({ ...entry, expires_at: expiresAt }), "values.expires_at");
			await expectInvalidArgument(() => appData.set([entry, entry, { ...entry, expiresAt }]), "values[2].expiresAt");
			await expectInvalidArgument(() => appData.update("k", () => "after", "", expiresAt), "expiresAt");
			expect(await appData.select("%")).toEqual([{ key: "k", value: "before" }]);
		});
	}

	test("two spellings that disagree are a TypeError, and nothing is written", async () => {
		const appData = temporaryAppData();
		const error = await rejection(() =>
			appData.set({ key: "k", value: 1, expiresAt: later, expires_at: new Date(later.getTime() + 1) }),
		);
		expectArgumentError(error, /^values\.expire(sAt|s_at)$/);
		expect(await keysOf(appData)).toEqual([]);
	});

	test("the last moment that a Date can hold works", async () => {
		const appData = temporaryAppData();
		const last = new Date(8_640_000_000_000_000);
		await appData.set({ key: "k", value: 1, expiresAt: last });
		expect((await appData.select("k"))[0].expiresAt).toEqual(last);
	});

	test("1970 and earlier are the past, also as the number 0", async () => {
		const appData = temporaryAppData();
		await appData.set([
			{ key: "zero", value: 1, expiresAt: 0 },
			{ key: "epoch", value: 1, expiresAt: new Date(0) },
			{ key: "before", value: 1, expires_at: -1 },
			{ key: "early", value: 1, expires_at: new Date(-8_640_000_000_000_000) },
		]);
		for (const key of ["zero", "epoch", "before", "early"]) expect(await appData.get(key)).toBeUndefined();
		expect(await keysOf(appData)).toEqual([]);
	});

	test("a Date is taken at the moment of the call", async () => {
		const appData = temporaryAppData();
		const date = new Date(later);
		const pending = appData.set({ key: "k", value: 1, expiresAt: date });
		date.setTime(0);
		await pending;
		expect((await appData.select("k"))[0].expiresAt).toEqual(later);
	});
});

describe("sight", () => {
	test("an expired key is gone at once from get, select and selectValue", async () => {
		const appData = temporaryAppData();
		const { found, moment } = await before(async (expiresAt) => {
			await appData.deleteLike("%");
			await appData.set([
				{ key: "k", value: 1, expiresAt },
				{ key: "stays", value: 2 },
			]);
			return [await appData.get("k"), await appData.selectValue("%")];
		});
		expect(found).toEqual([1, [1, 2]]);
		await past(moment);
		const [value, entries, values] = await Promise.all([
			appData.get("k"),
			appData.select("%"),
			appData.selectValue("k"),
		]);
		expect([value, entries, values]).toEqual([undefined, [{ key: "stays", value: 2 }], []]);
	});

	test("a key that was written with a past expiry replaces the value and is gone", async () => {
		const appData = temporaryAppData();
		await appData.set({ key: "k", value: 1 });
		await appData.set({ key: "k", value: 2, expiresAt: new Date(Date.now() - 1) });
		expect(await appData.get("k")).toBeUndefined();
		expect(await keysOf(appData)).toEqual([]);
	});

	test("a key that expired and was set again is there, and stays", async () => {
		const filename = temporaryFile();
		const store = temporaryStore(filename);
		await store.appData.set({ key: "k", value: 1, expiresAt: new Date(1) });
		await store.appData.set({ key: "k", value: 2 });
		expect(await store.appData.get("k")).toBe(2);
		await store.close();
		const again = temporaryStore(filename);
		expect(await again.appData.get("k")).toBe(2);
		await sleep(300);
		expect(await again.appData.select("%")).toEqual([{ key: "k", value: 2 }]);
	});

	test("an expiry beyond every date that another program wrote reads as the last date", async () => {
		const filename = temporaryFile();
		await makeSdkFile(filename, [{ key: "far", value: "1", expires_at: 9e15 }]);
		const [entry] = await temporaryStore(filename).appData.select("far");
		expect(entry.expiresAt.getTime()).toBe(8.64e15);
		expect(entry.expires_at.getTime()).toBe(8.64e15);
	});

	test("an expiry that another program wrote counts, whole or with a fraction", async () => {
		const filename = temporaryFile();
		await makeSdkFile(filename, [
			{ key: "gone", value: "1", expires_at: Date.now() - 1 },
			{ key: "gone too", value: "1", expires_at: Date.now() - 1_000.5 },
			{ key: "live", value: "1", expires_at: later.getTime() },
			{ key: "live too", value: "1", expires_at: later.getTime() + 0.5 },
		]);
		const { appData } = temporaryStore(filename);
		expect(await keysOf(appData)).toEqual(["live", "live too"]);
		expect((await appData.select("live%")).map((entry) => entry.expiresAt.getTime())).toEqual([
			later.getTime(),
			later.getTime() + 1,
		]);
		expect(await appData.get("gone too")).toBeUndefined();
	});
});

describe("the file", () => {
	test("expired rows are purged at opening, live ones are kept", async () => {
		const filename = temporaryFile();
		await makeSdkFile(filename, [
			...Array.from({ length: 2_500 }, (_, i) => ({ key: `old${i}`, value: "1", expires_at: 1 + i })),
			{ key: "live", value: "1", expires_at: later.getTime() },
			{ key: "forever", value: "1" },
			{ key: "old", value: "1", expires_at: 5, community_id: "C" },
		]);
		const { appData } = temporaryStore(filename);
		expect(await appData.get("forever")).toBe(1);
		await expect.poll(() => rawCount(filename)).toBe(2);
		expect((await rawRows(filename)).map((row) => row.key)).toEqual(["live", "forever"]);
	}, 300_000);
});
