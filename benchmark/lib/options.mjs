import { parseArgs } from "node:util";
import { groups } from "../groups/index.mjs";
import { fullProfile, quickProfile } from "./profile.mjs";
import { RESULTS } from "./report/results.mjs";

export const HELP = `Measures rootcellar and its peers side by side.

npm run bench -- [options]

  --only <name>   measure only this driver, workload or group; may be repeated, or names separated by commas
  --rounds <n>    how many times each process is started (default ${fullProfile.rounds})
  --quick         a short run with few keys, to see that everything runs; writes no results
  --check         exit with 1 when a target is missed, and name it
  --from <file>   measure nothing: print (and check) what an earlier run has written
  --out <folder>  write latest.json and the charts there (default benchmark/results, for a run of everything); with
                  benchmark/results also the table in README.md
  --folder <path> where the stores lie while they are measured (default target/benchmark)
  --list          print the names for --only
  --help          print this`;

/**
 * Options of a run.
 *
 * @typedef {object} Options
 * @property {import("./profile.mjs").Profile} profile
 * @property {(group: string, subject: string, workload: string) => boolean} wants
 * @property {boolean} everything - Whether nothing was left out.
 * @property {boolean} check
 * @property {boolean} help
 * @property {boolean} list
 * @property {string} [from]
 * @property {string} [out] - Where the results are written, if they are.
 * @property {string} [folder]
 */

/**
 * @param {string[]} args
 * @returns {Options}
 * @throws `TypeError` for an option that does not exist or cannot be used.
 */
export function parseOptions(args) {
	const { values } = parseArgs({
		args,
		options: {
			only: { type: "string", multiple: true, default: [] },
			rounds: { type: "string" },
			quick: { type: "boolean", default: false },
			check: { type: "boolean", default: false },
			from: { type: "string" },
			out: { type: "string" },
			folder: { type: "string" },
			list: { type: "boolean", default: false },
			help: { type: "boolean", default: false },
		},
	});
	const { quick, check, help, list, from, folder } = values;
	const base = quick ? quickProfile : fullProfile;
	const profile = { ...base, rounds: values.rounds === undefined ? base.rounds : parseRounds(values.rounds) };
	const names = values.only.flatMap((text) => text.split(",")).map((name) => name.trim());
	const everything = names.length === 0;
	const out = values.out ?? (everything && !quick && from === undefined ? RESULTS : undefined);
	return { profile, wants: filterBy(names, profile), everything, check, help, list, from, out, folder };
}

/** @param {string} text */
function parseRounds(text) {
	if (!/^[1-9]\d{0,2}$/.test(text)) throw new TypeError(`--rounds must be a number from 1 to 999, not ${text}`);
	return Number(text);
}

/**
 * The names that `--only` takes.
 *
 * @param {import("./profile.mjs").Profile} profile
 */
export function namesOf(profile) {
	return {
		groups: groups.map(({ id }) => id),
		subjects: [...new Set(groups.flatMap((group) => group.tasks(profile).map(({ subject }) => subject)))],
		workloads: [...new Set(groups.flatMap((group) => group.workloads.map(({ id }) => id)))],
	};
}

/**
 * Filters by names. A workload is wanted if its group, its driver and itself are named, each wherever one of its kind is.
 *
 * @param {readonly string[]} names
 * @param {import("./profile.mjs").Profile} profile
 * @returns {Options["wants"]}
 */
function filterBy(names, profile) {
	const known = namesOf(profile);
	for (const name of names) {
		if (!Object.values(known).some((list) => list.includes(name))) {
			throw new TypeError(`--only: there is no driver, workload or group ${name}; --list prints them`);
		}
	}
	const namedOf = (/** @type {string[]} */ list) => {
		const named = list.filter((name) => names.includes(name));
		return (/** @type {string} */ name) => named.length === 0 || named.includes(name);
	};
	const [group, subject, workload] = [namedOf(known.groups), namedOf(known.subjects), namedOf(known.workloads)];
	return (groupId, subjectId, workloadId) => group(groupId) && subject(subjectId) && workload(workloadId);
}
