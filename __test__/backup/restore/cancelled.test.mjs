// A restore, a trial restore and a restore of keys that are cancelled: they say so, and have changed nothing.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openDataStore } from "rootcellar";
import { expect, onTestFinished, test } from "vitest";
import { temporaryDirectory } from "../../helpers/store.mjs";
import { until } from "../../helpers/time.mjs";

const NOISE = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
INSERT INTO noise SELECT i, randomblob(4000) FROM n`;

/** A store with a backup of what `a` was, which takes a while to restore. */
async function storeWithBackup() {
	const folder = temporaryDirectory();
	const store = openDataStore({ filename: join(folder, "bot.sqlite3"), backup: { url: join(folder, "backups") } });
	onTestFinished(() => store.close());
	await store.sqlite.exec("CREATE TABLE noise (n INTEGER PRIMARY KEY, bytes BLOB)");
	await store.sqlite.run(NOISE);
	await store.appData.set({ key: "a", value: "before" });
	const { id } = await store.backups.create();
	await store.appData.set({ key: "a", value: "after" });
	await store.backups.create();
	return { folder, store, id };
}

const CALLS = {
	verify: ({ backups }, _, signal) => backups.verify({ signal }),
	"restore of the store": ({ backups }, { id }, signal) => backups.restore({ id, signal }),
	"restore to a file": ({ backups }, { id, to }, signal) => backups.restore({ id, to, signal }),
};

test.each(Object.entries(CALLS))("%s: cancelled while it reads", async (_name, call) => {
	const { folder, store, id } = await storeWithBackup();
	const to = join(folder, "new", "other.sqlite3");
	const files = () =>
		readdirSync(folder, { recursive: true })
			.filter((name) => !/backups|-wal|-shm/.test(name))
			.toSorted();
	const before = files();
	const controller = new AbortController();
	const end = store.backups.on("progress", () => controller.abort("enough"));
	await expect(call(store, { id, to }, controller.signal)).rejects.toMatchObject({
		name: "AbortError",
		code: "ABORT_ERR",
		cause: "enough",
	});
	end();
	expect(await store.appData.get("a")).toBe("after");
	expect(files()).toEqual(before);
	// The store and its backups work as before.
	await call(store, { id, to }, undefined);
});

test("a restore of keys is cancelled before it writes", async () => {
	const { store, id } = await storeWithBackup();
	const controller = new AbortController();
	const restoring = store.backups.restoreKeys({ at: id, keys: ["a"], signal: controller.signal });
	controller.abort();
	await expect(restoring).rejects.toMatchObject({ name: "AbortError", code: "ABORT_ERR" });
	expect(await store.appData.get("a")).toBe("after");
	await store.backups.restoreKeys({ at: id, keys: ["a"] });
	expect(await store.appData.get("a")).toBe("before");
});

test("a restore of keys that is cancelled while it waits for its turn writes nothing", async () => {
	const { store, id } = await storeWithBackup();
	for (const given of [{ at: id, keys: ["a"] }, { entries: [{ key: "a" }] }]) {
		const controller = new AbortController();
		let end;
		const transaction = store.transaction(() => new Promise((resolve) => (end = resolve)));
		await until(() => end, "the transaction");
		const restoring = store.backups.restoreKeys({ ...given, signal: controller.signal });
		restoring.catch(() => {});
		// Time to find out what to restore.
		await sleep(300);
		controller.abort();
		end();
		await transaction;
		await expect(restoring).rejects.toMatchObject({ code: "ABORT_ERR" });
		expect(await store.appData.get("a")).toBe("after");
	}
});

test("a signal that was aborted before starts nothing, and what is no signal is refused", async () => {
	const { store, id } = await storeWithBackup();
	const signal = AbortSignal.abort();
	await expect(store.backups.verify({ signal })).rejects.toMatchObject({ code: "ABORT_ERR" });
	await expect(store.backups.restore({ id, signal })).rejects.toMatchObject({ code: "ABORT_ERR" });
	await expect(store.backups.restoreKeys({ entries: [{ key: "a" }], signal })).rejects.toMatchObject({
		code: "ABORT_ERR",
	});
	for (const given of [{ signal: 1 }, { signal: {} }, { other: 1 }, null, 5]) {
		await expect(store.backups.verify(given)).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
	}
	for (const bad of [1, {}, "abort"]) {
		await expect(store.backups.restore({ id, signal: bad })).rejects.toMatchObject({
			code: "ERR_INVALID_ARGUMENT",
			argument: "options.signal",
		});
	}
	expect(await store.appData.get("a")).toBe("after");
});
