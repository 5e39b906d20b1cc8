// What the callback of a transaction is called in, and what it may call beside its transaction.

import { AsyncLocalStorage } from "node:async_hooks";
import { expect, test } from "vitest";
import { temporaryStore } from "../../helpers/store.mjs";

test("the callback of a transaction runs in the asynchronous context of its caller", async () => {
	const storage = new AsyncLocalStorage();
	const [one, other] = [temporaryStore(), temporaryStore()];
	await storage.run("first use", () => Promise.all([one.appData.set({ key: "k", value: 1 }), other.appData.get("k")]));
	const seen = [];
	const look = async () => void seen.push(storage.getStore());
	await Promise.all(
		["a", "b"].map((name) =>
			storage.run(name, () =>
				one.sqlite.transaction(async (tx) => {
					await look();
					await tx.transaction(look);
					await other.transaction(look);
				}),
			),
		),
	);
	await one.transaction(look);
	expect(seen).toEqual(["a", "a", "a", "b", "b", "b", undefined]);
});

test("a write that would wait for a transaction around the innermost is refused at once", async () => {
	const [store, other] = [temporaryStore(), temporaryStore()];
	await Promise.all([store.appData.get("k"), other.appData.get("k")]);
	const write = () => store.appData.set({ key: "k", value: 1 });
	const refused = { code: "ERR_IN_TRANSACTION" };
	await store.sqlite.transaction(async (tx) => {
		await tx.transaction(() => expect(write()).rejects.toMatchObject(refused));
		await other.transaction(() => expect(write()).rejects.toMatchObject(refused));
	});
	expect(await store.appData.get("k")).toBeUndefined();
});

test("a transaction of another store, first used in a callback, may write to this one", async () => {
	const [store, other] = [temporaryStore(), temporaryStore()];
	await store.sqlite.transaction(async () => {
		await other.appData.get("k");
	});
	await other.transaction(() => store.appData.set({ key: "k", value: 1 }));
	expect(await store.appData.get("k")).toBe(1);
});

test("reads in a callback that go past the transaction wait for none, however many there are", async () => {
	const store = temporaryStore();
	await store.appData.set({ key: "k", value: 1 });
	await store.transaction(async (tx) => {
		await tx.appData.set({ key: "k", value: 2 });
		const rows = [{ key: "k", value: 1 }];
		const read = [store.appData.select("%"), store.appData.select("%"), store.kv.count(), store.sqlite.all("SELECT 1")];
		expect(await Promise.all(read)).toEqual([rows, rows, 1, [{ 1: 1 }]]);
	});
});

test("an iterator sees what was there at its first call, and is finished by close", async () => {
	const store = temporaryStore();
	await store.sqlite.exec("CREATE TABLE t (a); INSERT INTO t VALUES (1)");
	const rows = store.sqlite.iterate("SELECT a FROM t");
	const first = rows.next();
	const removed = store.sqlite.run("DELETE FROM t");
	expect(await first).toEqual({ value: { a: 1 }, done: false });
	await removed;
	await rows.return();
	const last = store.sqlite.iterate("SELECT 1 AS a").next();
	await store.close();
	expect(await last).toEqual({ value: { a: 1 }, done: false });
});
