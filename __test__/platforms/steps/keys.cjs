"use strict";

const assert = require("node:assert/strict");
const { join } = require("node:path");

module.exports = {
	async "set, get, update, select and delete"({ openDataStore, folder }) {
		const filename = join(folder(), "bot.sqlite3");
		const store = openDataStore({ filename, backup: false });
		await store.appData.set([
			{ key: "xp:ada", value: 1 },
			{ key: "xp:bob", value: { deep: ["\u00e4", "\u{1f33f}", null] } },
			{ key: "gone", value: true, expiresAt: Date.now() - 1 },
		]);
		await Promise.all(Array.from({ length: 50 }, () => store.appData.update("xp:ada", (xp) => xp + 1, 0)));
		assert.equal(await store.appData.get("xp:ada"), 51);
		assert.equal(await store.appData.get("gone"), undefined);
		assert.deepEqual(
			(await store.appData.select("XP:%")).map(({ key, value }) => [key, value]),
			[
				["xp:ada", 51],
				["xp:bob", { deep: ["\u00e4", "\u{1f33f}", null] }],
			],
		);
		await store.appData.deleteLike("xp:a%");
		await store.close();
		await assert.rejects(store.appData.get("xp:ada"), { code: "ERR_STORE_CLOSED" });
		const again = openDataStore({ filename, backup: false });
		assert.deepEqual(await again.kv.getMany(["xp:ada", "xp:bob"]), [
			undefined,
			{ deep: ["\u00e4", "\u{1f33f}", null] },
		]);
		await again.close();
	},

	async "counters, pages and what is watched"({ openDataStore, folder }) {
		const filename = join(folder(), "bot.sqlite3");
		const store = openDataStore({ filename, backup: false });
		const other = openDataStore({ filename, backup: false });
		const watch = store.kv.watch({ prefix: "n:" });
		const told = watch.next();
		// A commit of the store is behind the beginning of its watch; another store knows nothing of either.
		await store.appData.set({ key: "begun", value: true });
		await other.kv.increment("n:1", 5);
		assert.deepEqual((await told).value, [{ key: "n:1", value: 5 }]);
		await watch.return();
		const entries = Array.from({ length: 300 }, (_, n) => ({ key: `page:${String(n).padStart(3, "0")}`, value: n }));
		await store.appData.set(entries);
		const found = [];
		for await (const { value } of store.kv.entries({ prefix: "page:" })) found.push(value);
		assert.deepEqual(
			found,
			entries.map(({ value }) => value),
		);
		assert.equal(await store.kv.deleteRange({ prefix: "page:1" }), 100);
		assert.equal(await store.kv.count({ prefix: "page:" }), 200);
		await Promise.all([store.close(), other.close()]);
	},

	async "a store in memory"({ openDataStore }) {
		const store = openDataStore({ filename: ":memory:" });
		await store.appData.set({ key: "a", value: 1 });
		assert.equal(await store.appData.get("a"), 1);
		await store.close();
	},
};
