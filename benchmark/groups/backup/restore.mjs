import { deepStrictEqual } from "node:assert";
import { join } from "node:path";
import { openDataStore } from "rootcellar";
import { keyAt, valueAt } from "../../lib/data.mjs";
import { elapsedMs } from "../../lib/measure.mjs";
import { inMs } from "./part.mjs";
import { NEVER_MS, openBackedUp } from "./store.mjs";

/** Backups of a changed page each that follow the full one. */
const INCREMENTS = 10;

/** @type {import("../index.mjs").WorkloadInfo} */
export const restoring = { id: "restore", title: "restoring from a folder, every check included", ...inMs };

/**
 * Time to restore the newest state to another file.
 *
 * @type {import("./part.mjs").Part}
 */
export const restore = {
	workloads: [restoring],
	run: async ({ folder, keyCount, report }) => {
		const store = await openBackedUp(folder, { intervalMs: NEVER_MS });
		const key = keyAt(keyCount >> 1);
		for (let step = 1; step <= INCREMENTS; step++) {
			await store.appData.set({ key, value: valueAt(step) });
			await store.backups.create();
		}
		const to = join(folder, "restored.sqlite3");
		const ms = await elapsedMs(() => store.backups.restore({ to }));
		await store.close();
		const restored = openDataStore({ filename: to, backup: false });
		deepStrictEqual(await restored.appData.get(key), valueAt(INCREMENTS));
		await restored.close();
		report(restoring.id, ms);
	},
};
