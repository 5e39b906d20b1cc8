import { strictEqual } from "node:assert";
import { keyAt, valueAt } from "../../lib/data.mjs";
import { elapsedMs } from "../../lib/measure.mjs";
import { inMs } from "./part.mjs";
import { NEVER_MS, openBackedUp } from "./store.mjs";

/** One key of so many is changed. */
const CHANGED_SHARE = 4;

/** Keys that are stored at a time. */
const SLICE = 1000;

const PER_KEYS = 100_000;

/** @type {import("../index.mjs").WorkloadInfo} */
const comparing = {
	id: "difference",
	title: "a backup and the file as it is now compared, for each 100,000 keys",
	...inMs,
};

/**
 * Time to find every key that differs from a backup, where a quarter do, and to read all of them.
 *
 * @type {import("./part.mjs").Part}
 */
export const difference = {
	workloads: [comparing],
	run: async ({ folder, keyCount, report }) => {
		const store = await openBackedUp(folder, { intervalMs: NEVER_MS });
		const { id } = await store.backups.create();
		const changed = Array.from({ length: Math.ceil(keyCount / CHANGED_SHARE) }, (_, index) => index * CHANGED_SHARE);
		for (let first = 0; first < changed.length; first += SLICE) {
			const some = changed.slice(first, first + SLICE);
			await store.appData.set(some.map((index) => ({ key: keyAt(index), value: valueAt(keyCount + index) })));
		}
		let found = 0;
		const ms = await elapsedMs(async () => {
			for await (const { after } of store.backups.diff({ at: id })) found += after === undefined ? 0 : 1;
		});
		strictEqual(found, changed.length);
		await store.close();
		report(comparing.id, (ms * PER_KEYS) / keyCount);
	},
};
