import { allKeys, randomKeys, valueAt } from "../../lib/data.mjs";
import { elapsedMs } from "../../lib/measure.mjs";
import { inMs } from "./part.mjs";
import { cpuMsSince } from "./processor.mjs";
import { NEVER_MS, openBackedUp } from "./store.mjs";

const CAPTURES = 10;

/**
 * Cost of capturing one changed page and backing it up: elapsed time, and processor time.
 *
 * @type {import("./part.mjs").Part}
 */
export const captures = {
	workloads: [
		{ id: "capture-cpu", title: "capture of one changed page, backed up in a folder: time of one core", ...inMs },
		{ id: "capture", title: "the same, until it is safe", ...inMs },
	],
	run: async ({ folder, keyCount, report }) => {
		const store = await openBackedUp(folder, { intervalMs: NEVER_MS });
		const keyOf = randomKeys(allKeys(keyCount));
		for (let step = 0; step < CAPTURES; step++) {
			await store.appData.set({ key: keyOf(step), value: valueAt(step) });
			const before = process.cpuUsage();
			const ms = await elapsedMs(() => store.backups.create());
			report("capture-cpu", cpuMsSince(before));
			report("capture", ms);
		}
		await store.close();
	},
};
