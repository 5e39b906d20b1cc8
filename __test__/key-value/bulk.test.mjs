// Arrays of more than 1,000 entries: what is issued beside and behind one finds what it would find with any other write.

import { expect, test } from "vitest";
import { temporaryStore } from "../helpers/store.mjs";

const COUNT = 1_500;
const bulk = (value) => Array.from({ length: COUNT }, (_, index) => ({ key: `k${index}`, value: [value, index] }));

test("a read of one of its keys waits for it, and a read of another does not", async () => {
	const { appData, kv } = temporaryStore();
	await appData.set({ key: "other", value: 1 });
	const order = [];
	const noted = (name, promise) =>
		promise.then((value) => {
			order.push(name);
			return value;
		});
	const set = noted("set", appData.set(bulk("a")));
	const other = noted("other", appData.get("other"));
	const one = noted("one", appData.get("k7"));
	const many = noted("many", kv.getMany(["other", "k8"]));
	const elsewhere = noted("elsewhere", appData.get("k7", "a community"));
	expect(await one).toEqual(["a", 7]);
	expect(await many).toEqual([1, ["a", 8]]);
	expect(await Promise.all([other, elsewhere, set])).toEqual([1, undefined, undefined]);
	expect(order.indexOf("other")).toBeLessThan(order.indexOf("set"));
	expect(order.indexOf("elsewhere")).toBeLessThan(order.indexOf("set"));
	expect(order.indexOf("one")).toBeGreaterThan(order.indexOf("set"));
});

test("writes before and behind it take effect in the order of issue", async () => {
	const { appData, kv } = temporaryStore();
	await appData.set([
		{ key: "k1", value: "old" },
		{ key: "k2", value: "old" },
	]);
	expect(await appData.get("k1")).toBe("old");
	const results = await Promise.all([
		appData.set({ key: "k3", value: "before" }),
		appData.update("k4", () => "before", 0),
		appData.set(bulk("a")),
		appData.update("k1", ([text, index]) => [`${text}!`, index], 0),
		appData.get("k1"),
		appData.set({ key: "k2", value: "behind" }),
		appData.get("k2"),
		kv.setIfAbsent({ key: "k5", value: "behind" }),
		appData.delete("k6"),
		appData.set(bulk("b").slice(0, 1_100)),
		appData.get("k3"),
		kv.count({ prefix: "k" }),
	]);
	expect(results[3]).toEqual(["a!", 1]);
	expect(results[4]).toEqual(["a!", 1]);
	expect(results[6]).toBe("behind");
	expect(results[7]).toBe(false);
	expect(results[10]).toEqual(["b", 3]);
	expect(results[11]).toBe(COUNT);
	expect(await kv.getMany(["k1", "k2", "k4", "k6", "k1200"])).toEqual([
		["b", 1],
		["b", 2],
		["b", 4],
		["b", 6],
		["a", 1_200],
	]);
});

test("of two entries of one key the last counts, in each community", async () => {
	const { appData } = temporaryStore();
	const twice = bulk("a").flatMap((entry) => [entry, { ...entry, communityId: "c" }, { ...entry, value: "last" }]);
	await appData.set(twice);
	expect(await appData.get("k9")).toBe("last");
	expect(await appData.get("k9", "c")).toEqual(["a", 9]);
	expect((await appData.select("k%")).map(({ key }) => key)).toEqual(bulk("a").map(({ key }) => key));
});

test("values that were in the cache are those of the array afterwards", async () => {
	const { appData } = temporaryStore();
	await Promise.all(bulk("old").map((entry) => appData.set(entry)));
	expect(await appData.get("k0")).toEqual(["old", 0]);
	await appData.set(bulk("new"));
	for (const index of [0, 1, COUNT - 1]) expect(await appData.get(`k${index}`)).toEqual(["new", index]);
});

test("one that cannot be written changes nothing, and what waited for it finds what there was", async () => {
	const { appData, sqlite } = temporaryStore();
	await appData.set({ key: "k1", value: "old" });
	await sqlite.exec(
		`create trigger refuse before insert on __rootapp_kv when new.key = 'k${COUNT - 1}' begin select raise(abort, 'refused'); end`,
	);
	const set = appData.set(bulk("a"));
	const read = appData.get("k1");
	const update = appData.update("k1", (value) => `${value}!`, 0);
	await expect(set).rejects.toMatchObject({ code: "SQLITE_CONSTRAINT_TRIGGER" });
	expect(await read).toBe("old");
	expect(await update).toBe("old!");
	expect(await appData.get("k2")).toBeUndefined();
});

test("an entry of it that cannot be used is named, and nothing is written", async () => {
	const { appData, kv } = temporaryStore();
	const entries = bulk("a");
	entries[1_234] = { key: "k", value: () => {} };
	await expect(appData.set(entries)).rejects.toMatchObject({
		code: "ERR_INVALID_ARGUMENT",
		argument: "values[1234].value",
	});
	expect(await kv.count()).toBe(0);
});

test("in a transaction its keys are read as it has left them, and are gone if it is rolled back", async () => {
	const store = temporaryStore();
	const end = store.transaction(async (tx) => {
		const set = tx.appData.set(bulk("a"));
		expect(await tx.appData.get("k7")).toEqual(["a", 7]);
		await set;
		throw new Error("rolled back");
	});
	await expect(end).rejects.toThrow("rolled back");
	expect(await store.kv.count()).toBe(0);
});
