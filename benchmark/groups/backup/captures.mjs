import { allKeys, randomKeys, valueAt } from "../../lib/data.mjs";
import { elapsedMs } from "../../lib/measure.mjs";
import { inMs } from "./part.mjs";
import { cpuMsSince } from "./processor.mjs";
import { NEVER_MS, openBackedUp } from "./store.mjs";

const CAPTURES = 10;

/**
 * What it takes to capture one changed page and to back it up: the time, and for how much of it a core was busy.
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
