// Reads from the file that follow one another within a turn share a snapshot: none is stale for that, and it ends with the turn.

import { createRequire } from "node:module";
import { expect, onTestFinished, test } from "vitest";
import { temporaryFile, temporaryStore } from "../helpers/store.mjs";

const Database = createRequire(import.meta.url)("better-sqlite3");

/** More reads than a turn has before they share a snapshot, and fewer than it has at all. */
const MANY = 20;
const KEYS = Array.from({ length: MANY }, (_, n) => `k${n}`);
const READ = "SELECT value FROM __rootapp_kv WHERE key = ?";

const nextTurn = () => new Promise(setImmediate);

/** A store that reads everything from its file, which another library has open, too. */
async function storeBesideAnother(options = { cacheBytes: 0 }) {
	const filename = temporaryFile();
	const store = temporaryStore(filename, options);
	await store.appData.set(KEYS.map((key) => ({ key, value: 0 })));
	const database = new Database(filename, { timeout: 0 });
	onTestFinished(() => database.close());
	const write = database.prepare("UPDATE __rootapp_kv SET value = ?");
	// A statement that has been quick is read on JavaScript's thread.
	for (const key of KEYS) await store.sqlite.get(READ, [key]);
	const readMany = async () => {
		await nextTurn();
		for (const key of KEYS) await store.appData.get(key);
	};
	return {
		store,
		write: (value) => write.run(JSON.stringify(value)),
		readMany,
		/** Whether somebody is in the way of emptying the log. */
		isLogHeld: () => database.pragma("wal_checkpoint(TRUNCATE)")[0].busy === 1,
	};
}

test.each([
	["no cache", { cacheBytes: 0 }],
	["a cache for some", { cacheBytes: 8_192 }],
])("with %s, each read finds what another library has written just before it in the turn", async (_, options) => {
	const { store, write, readMany, isLogHeld } = await storeBesideAnother(options);
	const { appData, kv, sqlite } = store;
	const reads = [
		() => appData.get("k3"),
		() => kv.getMany(["k3", "k4"]).then(([, value]) => value),
		() => appData.select("k3").then(([{ value }]) => value),
		() => kv.list({ prefix: "k3" }).then(({ entries }) => entries[0].value),
		() => sqlite.get(READ, ["k3"]).then((row) => JSON.parse(row.value)),
		() => sqlite.all(READ, ["k3"]).then(([row]) => JSON.parse(row.value)),
		() => sqlite.transaction((tx) => tx.appData.get("k3")),
		() => appData.update("k3", (value) => value).then(() => appData.get("k3")),
	];
	let held = 0;
	for (let value = 1; value <= 10 * reads.length; value++) {
		await readMany();
		if (isLogHeld()) held++;
		write(value);
		expect(await reads[value % reads.length](), `${reads[value % reads.length]}`).toBe(value);
		// Another time it begins with one that does not share the snapshot.
		write(-value);
		expect(await appData.get("k3")).toBe(-value);
		expect(await sqlite.get(READ, ["k3"])).toEqual({ value: `${-value}` });
	}
	expect(held).toBeGreaterThan(0);
});

test("is over with the turn, with the store, and where a turn has few reads", async () => {
	const { store, write, readMany, isLogHeld } = await storeBesideAnother();
	for (let value = 1; value <= 5; value++) {
		write(value);
		await readMany();
		expect(isLogHeld()).toBe(true);
		await nextTurn();
		await nextTurn();
		expect(isLogHeld()).toBe(false);
		write(-value);
		for (const key of KEYS.slice(0, 3)) await store.appData.get(key);
		expect(isLogHeld()).toBe(false);
	}
	write(6);
	await readMany();
	await store.close();
	expect(isLogHeld()).toBe(false);
});
