import { captures } from "./captures.mjs";
import { day } from "./day.mjs";
import { difference } from "./difference.mjs";
import { idle } from "./idle.mjs";
import { memory } from "./memory.mjs";
import { restore } from "./restore.mjs";
import { safety } from "./safety.mjs";
import { slowdown } from "./slowdown.mjs";

/**
 * A part of the group on one of the stores.
 *
 * @typedef {object} Measure
 * @property {string} subject
 * @property {keyof import("../../lib/profile.mjs").Profile["backupKeys"]} size - Of the store.
 * @property {import("./part.mjs").Part} part
 * @property {boolean} [startsEmpty] - Whether the part makes its own store.
 * @property {boolean} [once]
 */

/** @type {readonly Measure[]} */
const measures = [
	{ subject: "off", size: "medium", part: slowdown },
	{ subject: "on", size: "medium", part: slowdown },
	{ subject: "off", size: "medium", part: idle },
	{ subject: "on", size: "medium", part: idle },
	{ subject: "medium", size: "medium", part: safety },
	{ subject: "small", size: "small", part: captures },
	{ subject: "large", size: "large", part: captures },
	{ subject: "large", size: "large", part: restore },
	{ subject: "large", size: "large", part: difference },
	{ subject: "huge", size: "huge", part: memory, once: true },
	{ subject: "small", size: "small", part: day, startsEmpty: true, once: true },
];

/** @type {Record<string, string>} */
const titles = {
	off: "the medium store, backups off",
	on: "the medium store, backups on",
	small: "the small store",
	medium: "the medium store",
	large: "the large store",
	huge: "the huge store",
};

const isOf = (/** @type {Measure} */ { part }, /** @type {(workload: string) => boolean} */ wants) =>
	part.workloads.some(({ id }) => wants(id));

/**
 * Cost of backups, and how soon a write is safe. The destination is a folder on the same disk.
 *
 * @type {import("../index.mjs").Group}
 */
export const backups = {
	id: "backup",
	title: ({ backupKeys }) => {
		const counts = Object.entries(backupKeys).map(([size, keys]) => `${size} ${keys.toLocaleString("en-US")}`);
		return `Backups: ${counts.join(", ")} keys (10, 50, 100 and 1,000 MB in the full profile)`;
	},
	workloads: [
		...new Set(
			[safety, slowdown, captures, idle, restore, difference, day, memory].flatMap(({ workloads }) => workloads),
		),
	],
	tasks: ({ backupKeys }) =>
		measures.map(({ subject, size, part, startsEmpty, once }) => ({
			subject,
			title: titles[subject],
			workloads: part.workloads.map(({ id }) => id),
			template: startsEmpty ? undefined : backupKeys[size],
			once,
		})),
	run: async (context) => {
		const { subject, profile, wants } = context;
		for (const measure of measures.filter((candidate) => candidate.subject === subject && isOf(candidate, wants))) {
			const keyCount = profile.backupKeys[measure.size];
			await measure.part.run({ ...context, keyCount, hasBackups: subject === "on" });
		}
	},
};
