"use strict";

const assert = require("node:assert/strict");
const { closeSync, existsSync, openSync, readdirSync, rmSync, writeSync } = require("node:fs");
const { basename, dirname, join } = require("node:path");

/** The files of a database, of which one may have been lost. */
const filesOf = (filename) => [filename, `${filename}-wal`, `${filename}-shm`].filter(existsSync);

async function storedBefore({ openDataStore }, filename) {
	const store = openDataStore({ filename, backup: { quiet: true } });
	await store.appData.set(Array.from({ length: 500 }, (_, n) => ({ key: `k${n}`, value: `v${n}` })));
	await store.backups.create();
	await store.close();
}

async function restoredAfter({ openDataStore }, filename) {
	const store = openDataStore({ filename, backup: { quiet: true } });
	const restored = new Promise((resolve) => store.backups.on("restore", resolve));
	assert.equal(await store.appData.get("k499"), "v499");
	assert.equal(await store.kv.count(), 500);
	await store.close();
	return restored;
}

module.exports = {
	async "backups: made, listed, verified, and restored into another file"({ openDataStore, folder }) {
		const place = folder();
		const store = openDataStore({ filename: join(place, "bot.sqlite3") });
		await store.appData.set({ key: "a", value: 1 });
		const first = await store.backups.create();
		await store.appData.set({ key: "a", value: 2 });
		await store.backups.create();
		assert.ok((await store.backups.list()).some(({ id }) => id === first.id));
		assert.equal((await store.backups.verify()).isComplete, true);
		const to = join(place, "other.sqlite3");
		for (const overwrite of [false, true]) await store.backups.restore({ id: first.id, to, overwrite });
		const other = openDataStore({ filename: to, backup: false });
		assert.equal(await other.appData.get("a"), 1);
		await other.close();
		await store.close();
	},

	async "a restore in place, and its undoing, beside another store"({ openDataStore, folder }) {
		const filename = join(folder(), "bot.sqlite3");
		const store = openDataStore({ filename });
		const beside = openDataStore({ filename, backup: false });
		await store.appData.set({ key: "a", value: 1 });
		const { id } = await store.backups.create();
		await beside.appData.set({ key: "a", value: 2 });
		const { undoId } = await store.backups.restore({ id });
		assert.deepEqual([await store.appData.get("a"), await beside.appData.get("a")], [1, 1]);
		await store.backups.restore({ id: undoId });
		assert.deepEqual([await store.appData.get("a"), await beside.appData.get("a")], [2, 2]);
		await Promise.all([store.close(), beside.close()]);
	},

	async "a file that was lost is restored"(context) {
		const filename = join(context.folder(), "bot.sqlite3");
		await storedBefore(context, filename);
		for (const file of filesOf(filename)) rmSync(file);
		assert.equal((await restoredAfter(context, filename)).isComplete, true);
	},

	async "a file that is damaged is set aside, and restored"(context) {
		const filename = join(context.folder(), "bot.sqlite3");
		await storedBefore(context, filename);
		const file = openSync(filename, "r+");
		writeSync(file, Buffer.alloc(3_000, 7));
		closeSync(file);
		const { setAside } = await restoredAfter(context, filename);
		assert.ok(existsSync(setAside), `${setAside} of ${readdirSync(dirname(filename))}`);
		assert.notEqual(basename(setAside), basename(filename));
	},

	async "a difference of two states, and keys restored from one"({ openDataStore, folder }) {
		const store = openDataStore({ filename: join(folder(), "bot.sqlite3") });
		await store.appData.set({ key: "a", value: 1 });
		const { id } = await store.backups.create();
		await store.appData.set({ key: "a", value: 2 });
		const found = [];
		for await (const { key, before, after } of store.backups.diff({ at: id })) {
			found.push([key, before.value, after.value]);
		}
		assert.deepEqual(found, [["a", 1, 2]]);
		await store.backups.restoreKeys({ at: id, keys: ["a"] });
		assert.equal(await store.appData.get("a"), 1);
		await store.close();
	},
};
