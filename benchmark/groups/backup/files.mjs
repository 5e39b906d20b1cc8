import { join } from "node:path";
import { openDataStore } from "rootcellar";
import { keyAt, valueAt } from "../../lib/data.mjs";
import { elapsedMs } from "../../lib/measure.mjs";

/** So long that nothing is captured but what is asked for. */
const NEVER_MS = 1e9;

const CAPTURES = 10;

/**
 * A store with its first backup made.
 *
 * @param {string} folder - Holds a store.
 */
async function backedUp(folder) {
	const store = openDataStore({ filename: join(folder, "store.sqlite3"), backup: { intervalMs: NEVER_MS } });
	await store.backups.create();
	return store;
}

/**
 * @param {string} folder - Holds a store.
 * @param {import("../../lib/profile.mjs").Profile} profile
 */
export async function measureCaptures(folder, { keys }) {
	const store = await backedUp(folder);
	const times = [];
	for (let step = 0; step < CAPTURES; step++) {
		await store.appData.set({ key: keyAt(step % keys), value: valueAt(step + 1) });
		times.push(await elapsedMs(() => store.backups.create()));
	}
	await store.close();
	return times;
}

/** @param {string} folder - Holds a store. */
export async function measureRestore(folder) {
	const store = await backedUp(folder);
	const to = join(folder, "restored.sqlite3");
	const ms = await elapsedMs(() => store.backups.restore({ to, overwrite: true }));
	await store.close();
	return ms;
}
