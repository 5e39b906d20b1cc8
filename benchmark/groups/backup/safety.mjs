import { setTimeout as wait } from "node:timers/promises";
import { allKeys, randomKeys, valueAt } from "../../lib/data.mjs";
import { percentile } from "../../lib/report/statistics.mjs";
import { inMs } from "./part.mjs";
import { openBackedUp } from "./store.mjs";

/** Until the last writes are safe. */
const SETTLE_MS_MAX = 30_000;

/**
 * Time from the acknowledgement of a write until it is safe: when the first capture that began later has arrived. All keys of
 * the store are written at random, one after another, as fast as the disk allows.
 *
 * @type {import("./part.mjs").Part}
 */
export const safety = {
	workloads: [
		{ id: "safe-p99", title: "from an acknowledged write to its backup, p99, interval 1 s, constant load", ...inMs },
		{ id: "safe-median", title: "the same, median", ...inMs },
	],
	run: async ({ folder, keyCount, profile, report }) => {
		const store = await openBackedUp(folder);
		/** @type {number[]} */
		const waiting = [];
		/** @type {number[]} */
		const latencies = [];
		store.backups.on("backup", ({ createdAt }) => {
			const now = Date.now();
			const unsafe = waiting.findIndex((at) => at > createdAt.getTime());
			const safe = waiting.splice(0, unsafe === -1 ? waiting.length : unsafe);
			for (const at of safe) latencies.push(now - at);
		});
		const keyOf = randomKeys(allKeys(keyCount));
		const end = Date.now() + profile.safetyMs;
		for (let step = 0; Date.now() < end; step++) {
			await store.appData.set({ key: keyOf(step), value: valueAt(step) });
			waiting.push(Date.now());
		}
		const settled = Date.now() + SETTLE_MS_MAX;
		while (waiting.length > 0 && Date.now() < settled) await wait(10);
		// A write that never arrived has no latency, and must not pass for a good one.
		if (waiting.length > 0) throw new Error(`${waiting.length} writes were not safe after ${SETTLE_MS_MAX} ms`);
		await store.close();
		report("safe-p99", percentile(latencies, 0.99));
		report("safe-median", percentile(latencies, 0.5));
	},
};
