import { drivers } from "../../drivers/index.mjs";
import { eventLoopDelays } from "./event-loop.mjs";
import { importTimes, memory, openTimes } from "./fresh-processes.mjs";

const inMs = /** @type {const} */ ({ unit: "ms", better: "lower" });
const inMiB = /** @type {const} */ ({ unit: "MiB", better: "lower" });

const eventLoop = [
	{ id: "event-loop", title: "event-loop delay, p99, full load", ...inMs },
	{ id: "event-loop-max", title: "event-loop delay, longest, full load", ...inMs },
	{ id: "event-loop-select", title: "event-loop delay, p99, full load and bulk select", ...inMs },
	{ id: "event-loop-select-max", title: "event-loop delay, longest, full load and bulk select", ...inMs },
	{ id: "event-loop-delete", title: "event-loop delay, p99, full load and bulk deleteLike", ...inMs },
	{ id: "event-loop-delete-max", title: "event-loop delay, longest, full load and bulk deleteLike", ...inMs },
];
const opening = { id: "open", title: "opening a store of 100 MB and the first get", ...inMs };
const memories = [
	{ id: "memory", title: "resident memory above bare Node, all keys written and read", ...inMiB },
	{ id: "memory-unsettled", title: "the same, before garbage is collected", ...inMiB },
	{ id: "memory-peak", title: "the same, at its peak", ...inMiB },
];

const importing = { id: "import", title: "importing the package", ...inMs };

/** @param {readonly { id: string }[]} list */
const ids = (list) => list.map(({ id }) => id);

/**
 * Costs to a process: its start, its memory, and delays of its event loop.
 *
 * @type {import("../index.mjs").Group}
 */
export const processes = {
	id: "process",
	title: ({ manyKeys }) => `The process: start, memory and event loop with ${manyKeys.toLocaleString("en-US")} keys`,
	workloads: [importing, opening, ...memories, ...eventLoop],
	tasks: ({ largeFileKeys, manyKeys }) => [
		...drivers.map(({ id, title }) => ({ subject: id, title, workloads: ids([importing]) })),
		{ subject: "rootcellar", title: "rootcellar", workloads: ids([opening]), template: largeFileKeys },
		{ subject: "rootcellar", title: "rootcellar", workloads: ids(memories) },
		{ subject: "rootcellar", title: "rootcellar", workloads: ids(eventLoop), template: manyKeys },
	],
	run: async ({ subject, profile, folder, wants, report }) => {
		const starting = { folder, starts: profile.starts };
		if (wants(importing.id)) for (const ms of await importTimes(subject, starting)) report(importing.id, ms);
		if (wants(opening.id)) for (const ms of await openTimes(profile.largeFileKeys, starting)) report(opening.id, ms);
		if (ids(memories).some(wants)) {
			const { settledMiB, unsettledMiB, peakMiB } = await memory(folder, profile.manyKeys);
			report("memory", settledMiB);
			report("memory-unsettled", unsettledMiB);
			report("memory-peak", peakMiB);
		}
		if (ids(eventLoop).some(wants)) {
			const { alone, select, deleteLike } = await eventLoopDelays(folder, profile);
			report("event-loop", alone.p99Ms);
			report("event-loop-max", alone.maxMs);
			report("event-loop-select", select.p99Ms);
			report("event-loop-select-max", select.maxMs);
			report("event-loop-delete", deleteLike.p99Ms);
			report("event-loop-delete-max", deleteLike.maxMs);
		}
	},
};
