import { measureCaptures, measureRestore } from "./files.mjs";
import { measureLoad, measureSafety } from "./load.mjs";

const inMs = /** @type {const} */ ({ unit: "ms", better: "lower" });
const perSecond = /** @type {const} */ ({ unit: "op/s", better: "higher" });

const safety = [
	{ id: "safe-p99", title: "from an acknowledged write to its backup, p99, interval 1 s, constant load", ...inMs },
	{ id: "safe-median", title: "the same, median", ...inMs },
];
const capture = { id: "capture", title: "capture of one changed page, backed up in a folder", ...inMs };
const restore = { id: "restore", title: "restoring from a folder, every check included", ...inMs };
const loads = [
	{ id: "get-100", title: "get, 100 in flight", ...perSecond },
	{ id: "set-100", title: "set, 100 in flight", ...perSecond },
];

/** @param {readonly { id: string }[]} list */
const ids = (list) => list.map(({ id }) => id);

/**
 * What backups cost, and how soon a write is safe. The destination is a folder on the same disk.
 *
 * @type {import("../index.mjs").Group}
 */
export const backups = {
	id: "backup",
	title: ({ backupKeys }) => {
		const [small, medium, large] = backupKeys.map((keys) => keys.toLocaleString("en-US"));
		return `Backups of stores with ${small}, ${medium} and ${large} keys (10, 50 and 100 MB in the full profile)`;
	},
	workloads: [...safety, capture, restore, ...loads],
	tasks: ({ backupKeys: [small, medium, large] }) => [
		{ subject: "small", title: "the small store", workloads: ids([capture]), template: small },
		{ subject: "medium", title: "the medium store", workloads: ids(safety), template: medium },
		{ subject: "large", title: "the large store", workloads: ids([capture, restore]), template: large },
		{ subject: "on", title: "the small store, backups on", workloads: ids(loads), template: small },
		{ subject: "off", title: "the small store, backups off", workloads: ids(loads), template: small },
	],
	run: async ({ subject, profile, folder, wants, turn, report }) => {
		if (wants(capture.id)) for (const ms of await measureCaptures(folder, profile)) report(capture.id, ms);
		if (wants(restore.id)) report(restore.id, await measureRestore(folder));
		if (ids(safety).some(wants)) {
			const { p99Ms, medianMs } = await measureSafety(folder, profile);
			report("safe-p99", p99Ms);
			report("safe-median", medianMs);
		}
		if (ids(loads).some(wants)) {
			await turn();
			const { getsPerSecond, setsPerSecond } = await measureLoad(folder, profile, subject === "on");
			report("get-100", getsPerSecond);
			report("set-100", setsPerSecond);
		}
	},
};
