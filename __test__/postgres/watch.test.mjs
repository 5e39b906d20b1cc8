import { renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startPostgres, temporaryDatabase } from "../helpers/postgres.mjs";
import { copyFolder } from "./servers/data-folder.mjs";
import { storeOn } from "./store.mjs";

/** Collects what a watch tells until every one of these keys has this value; `undefined` for deleted. */
async function collect(watch, wanted) {
	const last = new Map();
	for await (const changes of watch) {
		for (const change of changes) last.set(change.key, change.deleted ? undefined : change.value);
		if (Object.entries(wanted).every(([key, value]) => last.has(key) && Object.is(last.get(key), value))) return last;
	}
	throw new Error("the watch ended");
}

test("tells what this process, others, and SQL have changed, and ends with what there is", async () => {
	const database = await temporaryDatabase();
	const [store, other] = [storeOn(database.config), storeOn(database.config)];
	await store.appData.set([
		{ key: "w:a", value: 1 },
		{ key: "w:gone", value: 1 },
		{ key: "x", value: 1 },
	]);
	const watch = store.kv.watch({ prefix: "w:" });
	const told = collect(watch, { "w:a": 3, "w:gone": undefined, "w:other": 5, "w:sql": 7 });
	await store.appData.set({ key: "w:a", value: 2 });
	await other.kv.increment("w:a");
	await other.appData.set({ key: "w:other", value: 5 });
	await store.appData.delete("w:gone");
	await store.appData.set({ key: "x", value: 2 });
	await database.query("INSERT INTO __rootapp_kv (key, value) VALUES ('w:sql', '7')");
	const last = await told;
	expect([...last.keys()].every((key) => key.startsWith("w:"))).toBe(true);
});

test("tells no write that leaves a value as it was, before the first change and after it", async () => {
	const { config } = await temporaryDatabase();
	const [store, other] = [storeOn(config), storeOn(config)];
	await store.appData.set({ key: "w:a", value: 1 });
	const watch = store.kv.watch({ prefix: "w:" });
	const first = watch.next();
	await other.appData.set({ key: "w:a", value: 1 });
	await other.kv.increment("w:a", 0);
	await store.appData.set({ key: "w:b", value: 2 });
	expect((await first).value).toEqual([{ key: "w:b", value: 2 }]);
	const second = watch.next();
	await other.appData.set({ key: "w:b", value: 2 });
	await other.transaction(async (tx) => {
		await tx.appData.delete("w:a");
		await tx.appData.set({ key: "w:a", value: 1 });
	});
	await store.appData.set({ key: "w:a", value: 3 });
	expect((await second).value).toEqual([{ key: "w:a", value: 3 }]);
	await watch.return();
});

test("tells an expiry as a deletion, and keys one by one, of a community", async () => {
	const database = await temporaryDatabase();
	const store = storeOn(database.config);
	const kv = store.kv.community("c");
	const watch = kv.watch({ keys: ["a", "b"] });
	const told = collect(watch, { a: undefined, b: 1 });
	await store.appData.set({ key: "b", value: 1, communityId: "c" });
	await store.appData.set({ key: "a", value: 0 });
	await kv.setIfAbsent({ key: "a", value: 1, ttlMs: 1_500 });
	await told;
});

test("asks to read everything anew when more than 10,000 keys have changed", async () => {
	const database = await temporaryDatabase();
	const store = storeOn(database.config);
	const watch = store.kv.watch({ prefix: "" });
	const told = watch.next();
	await store.appData.set(Array.from({ length: 10_001 }, (_, n) => ({ key: `k${n}`, value: n })));
	expect((await told).value).toEqual([{ resync: true }]);
	await watch.return();
});

test("asks to read everything anew when what has changed is large, and then tells of what is small", async () => {
	const { config } = await temporaryDatabase();
	const [store, other] = [storeOn(config), storeOn(config)];
	const watch = store.kv.watch({ prefix: "w:" });
	const first = watch.next();
	await store.appData.get("w:a");
	const large = "x".repeat(6 << 20);
	await other.appData.set(["a", "b", "c"].map((name) => ({ key: `w:${name}`, value: large })));
	expect((await first).value).toEqual([{ resync: true }]);
	const second = watch.next();
	await other.appData.set({ key: "w:a", value: large });
	await other.appData.set({ key: "w:b", value: 1 });
	expect((await second).value).toEqual([{ key: "w:b", value: 1 }]);
	await watch.return();
});

test("knows what it has asked to read anew: a change back is told, and an equal value is not", async () => {
	const { config } = await temporaryDatabase();
	const [store, other] = [storeOn(config), storeOn(config)];
	const entries = (name) => Array.from({ length: 5_001 }, (_, n) => ({ key: `w:${name}${n}`, value: n }));
	await other.appData.set([{ key: "w:x", value: "one" }, ...entries("a")]);
	const watch = store.kv.watch({ prefix: "w:" });
	const first = watch.next();
	await store.appData.get("w:x");
	await other.transaction(async (tx) => {
		await tx.kv.deleteRange({ prefix: "w:a" });
		await tx.appData.set([{ key: "w:x", value: "two" }, ...entries("b")]);
	});
	expect((await first).value).toEqual([{ resync: true }]);
	const second = watch.next();
	await other.appData.set({ key: "w:b1", value: 1 });
	await other.appData.set({ key: "w:x", value: "one" });
	expect((await second).value).toEqual([{ key: "w:x", value: "one" }]);
	await watch.return();
});

test("tells what has another value after the server has lost transactions, though another has the number of a lost one", async () => {
	const server = await startPostgres({ durable: true, settings: { autovacuum: "off" } });
	const name = await server.createDatabase();
	const query = (text) => server.query(text, [], name);
	const store = storeOn(server.config(name));
	await store.appData.set([
		{ key: "w:a", value: "old" },
		{ key: "w:b", value: "same" },
	]);
	await server.shutDown();
	const earlier = join(server.folder, "earlier");
	copyFolder(server.data, earlier);
	await server.start();
	const watch = store.kv.watch({ prefix: "w:" });
	const first = watch.next();
	await store.appData.set({ key: "w:a", value: "lost" });
	expect((await first).value).toEqual([{ key: "w:a", value: "lost" }]);
	const [{ lost }] = await query("SELECT xmin::text::int AS lost FROM __rootapp_kv WHERE key = 'w:a'");
	const second = watch.next();

	await server.shutDown();
	rmSync(server.data, { recursive: true });
	renameSync(earlier, server.data);
	// The watch sees nothing of it until all is done.
	const { port } = server;
	server.port = 0;
	await server.start();
	for (let used = 0; used < lost - 1; ) [{ used }] = await query("SELECT pg_current_xact_id()::text::int AS used");
	await query("UPDATE __rootapp_kv SET value = '\"found\"' WHERE key = 'w:a'");
	expect(await query("SELECT xmin::text::int AS xmin FROM __rootapp_kv WHERE key = 'w:a'")).toEqual([{ xmin: lost }]);
	await server.shutDown();
	server.port = port;
	await server.start();
	expect((await second).value).toEqual([{ key: "w:a", value: "found" }]);
	await watch.return();
});
