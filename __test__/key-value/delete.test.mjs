// `delete` and `deleteLike`; patterns have a file of their own.

import { expect, test } from "vitest";
import { rawRows } from "../helpers/raw.mjs";
import { keysOf, temporaryAppData, temporaryFile, temporaryStore } from "../helpers/store.mjs";

test("delete of a missing key resolves", async () => {
	const appData = temporaryAppData();
	expect(await appData.delete("missing")).toBeUndefined();
	expect(await appData.deleteLike("missing%")).toBeUndefined();
});

test("delete removes the key and its row, and no other", async () => {
	const filename = temporaryFile();
	const { appData } = temporaryStore(filename);
	await appData.set(["a", "ab", "A", "b"].map((key) => ({ key, value: key })));
	expect(await appData.delete("a")).toBeUndefined();
	expect(await appData.get("a")).toBeUndefined();
	expect(await keysOf(appData)).toEqual(["ab", "A", "b"]);
	expect((await rawRows(filename)).map((row) => row.key)).toEqual(["ab", "A", "b"]);
});

test("delete takes its key literally, wildcards included", async () => {
	const appData = temporaryAppData();
	await appData.set(["%", "a%", "ab"].map((key) => ({ key, value: 1 })));
	await appData.delete("a%");
	expect(await keysOf(appData)).toEqual(["%", "ab"]);
	await appData.delete("%");
	expect(await keysOf(appData)).toEqual(["ab"]);
});

test("a deleted key is missing for update, and its expiry is gone", async () => {
	const appData = temporaryAppData();
	await appData.set({ key: "k", value: 10, expiresAt: new Date(Date.now() + 3_600_000) });
	await appData.delete("k");
	expect(await appData.update("k", (n) => n + 1, 0)).toBe(1);
	expect(await appData.select("k")).toEqual([{ key: "k", value: 1 }]);
});

test("delete removes an expired key too", async () => {
	const filename = temporaryFile();
	const { appData } = temporaryStore(filename);
	await appData.set([
		{ key: "a", value: 1, expiresAt: new Date(1) },
		{ key: "b1", value: 1, expiresAt: new Date(1) },
	]);
	await appData.delete("a");
	await appData.deleteLike("b%");
	expect(await rawRows(filename)).toEqual([]);
});

test("deleteLike removes every key that matches, and no other", async () => {
	const appData = temporaryAppData();
	await appData.set(["cooldown:1", "Cooldown:2", "profile:1", "cooldown"].map((key) => ({ key, value: 1 })));
	expect(await appData.deleteLike("cooldown:%")).toBeUndefined();
	expect(await keysOf(appData)).toEqual(["profile:1", "cooldown"]);
	await appData.deleteLike("%");
	expect(await keysOf(appData)).toEqual([]);
});

test("a deletion stays after the store was opened again", async () => {
	const filename = temporaryFile();
	const store = temporaryStore(filename);
	await store.appData.set(["a", "b", "c"].map((key) => ({ key, value: 1 })));
	await store.appData.delete("a");
	await store.appData.deleteLike("b");
	await store.close();
	expect(await keysOf(temporaryStore(filename).appData)).toEqual(["c"]);
});
