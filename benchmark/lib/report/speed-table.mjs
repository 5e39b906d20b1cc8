// The table of ratios in the README, made from results so that it says what was measured.

import { readFileSync, writeFileSync } from "node:fs";
import { groups } from "../../groups/index.mjs";
import { subjectOf } from "../../groups/scale/index.mjs";
import { timesAsGood } from "./check.mjs";
import { medianOf } from "./statistics.mjs";

/**
 * Row of the table: workloads of a group against another subject, and why they are slower, where they are.
 *
 * @typedef {object} SpeedRow
 * @property {string} title
 * @property {string} group
 * @property {string[]} workloads
 * @property {string} subject
 * @property {string} against
 * @property {string} peer - Name of what it is compared with.
 * @property {string} [why]
 */

const keyValue = { group: "key-value", subject: "rootcellar" };
const bySqlite = { against: "better-sqlite3", peer: "better-sqlite3 FULL" };
const byLmdb = { against: "lmdb", peer: "lmdb" };
const large = {
	group: "scale",
	subject: subjectOf("rootcellar", "many"),
	peer: "lmdb",
	against: subjectOf("lmdb", "many"),
};

const AWAY = "it answers on a thread of its own, and so leaves JavaScript's thread to the bot while the disk writes";

/** @type {readonly SpeedRow[]} */
const ROWS = [
	{
		...keyValue,
		title: "`get` of a key that was read before, one after another; 100 in flight",
		workloads: ["get-1", "get-100"],
		against: "map",
		peer: "a `Map` of JSON text",
		why: "a `Map` need not find out whether somebody else has written",
	},
	{ ...keyValue, title: "the same", workloads: ["get-1", "get-100"], ...byLmdb },
	{
		...keyValue,
		title: "`get` from the file, one after another; 100 in flight",
		workloads: ["get-small-cache-1", "get-small-cache-100"],
		...bySqlite,
		why: "each looks for other writers, and passes a promise",
	},
	{ ...keyValue, title: "`set`, 1,000 in flight", workloads: ["set-1000"], against: "sdk", peer: "the SDK" },
	{ ...keyValue, title: "`set`, 1,000 in flight", workloads: ["set-1000"], ...byLmdb },
	{ ...keyValue, title: "`set`, one after another", workloads: ["set-1"], ...bySqlite, why: AWAY },
	{
		...keyValue,
		group: "slow-sync",
		title: "the same where each sync of the disk takes a millisecond longer",
		workloads: ["set-1"],
		...bySqlite,
		why: AWAY,
	},
	{ ...keyValue, title: "`update`, 1,000 in flight on 100 keys", workloads: ["update-1000"], ...byLmdb },
	{ ...keyValue, title: "`update`, one after another", workloads: ["update-1"], ...bySqlite, why: AWAY },
	{
		...keyValue,
		title: "`select` of 1,000 entries",
		workloads: ["select-1000"],
		...bySqlite,
		why: "another thread reads them, and they cross to JavaScript's",
	},
	{
		...keyValue,
		title: "`set` of an array of 20,000 new entries",
		workloads: ["set-array"],
		...bySqlite,
		why: "the array is checked and made JSON as a whole before the first entry is written",
	},
	{ ...keyValue, title: "90 % `get`, 10 % `set`, 100 in flight", workloads: ["mixed-100"], ...byLmdb },
	{ ...large, title: "1,000,000 keys: `set`, 1,000 in flight", workloads: ["set-1000"] },
	{
		...large,
		title: "1,000,000 keys: `select` of 1,000 entries that were stored far apart",
		workloads: ["select-1000"],
		why: "rows lie in the order in which they were stored, as the SDK has them",
	},
	{
		...large,
		title: "1,000,000 keys: storing them in arrays of 20,000, in a random order; in the order of the keys",
		workloads: ["load", "load-in-order"],
		why: "a row has an index beside it, and passes the write-ahead log",
	},
];

const BEGIN = "<!-- speed: written by npm run bench -->\n";
const END = "<!-- /speed -->\n";

/**
 * The table of a run: how many times as fast each operation is. A row of what was not measured is left out.
 *
 * @param {Pick<import("./results.mjs").Report, "results">} report
 * @returns {string} in Markdown
 */
export function speedTable({ results }) {
	const rows = ROWS.flatMap(({ title, group, workloads, subject, against, peer, why }) => {
		const ratios = workloads.flatMap((workload) => {
			const [own, other] = [subject, against].map((side) => medianOf(results, { group, workload }, side));
			return own === undefined || other === undefined ? [] : [timesAsGood(own, other, betterOf(group, workload))];
		});
		if (ratios.length < workloads.length) return [];
		const isSlower = ratios.some((ratio) => ratio < 0.95);
		return `| ${title} | ${peer} | ${ratios.map(times).join("; ")} | ${isSlower ? (why ?? "") : ""} |\n`;
	});
	return `| operation | compared with | times as fast | why not faster |\n|---|---|---|---|\n${rows.join("")}`;
}

/**
 * @param {string} group
 * @param {string} workload
 */
function betterOf(group, workload) {
	const info = groups.find(({ id }) => id === group)?.workloads.find(({ id }) => id === workload);
	if (info === undefined) throw new Error(`there is no workload ${workload} in ${group}`);
	return info.better;
}

/** @param {number} ratio */
function times(ratio) {
	if (ratio >= 10) return String(Math.round(ratio));
	return ratio.toFixed(ratio < 2 ? 2 : 1);
}

/**
 * Puts a table in the place of the one that a README has.
 *
 * @param {string} file
 * @param {string} table
 */
export function writeSpeedTable(file, table) {
	const readme = readFileSync(file, "utf8");
	const [begin, end] = [readme.indexOf(BEGIN), readme.indexOf(END)];
	if (begin < 0 || end < begin) throw new Error(`${file} has no place for the table of speed`);
	writeFileSync(file, `${readme.slice(0, begin + BEGIN.length)}\n${table}\n${readme.slice(end)}`);
}
