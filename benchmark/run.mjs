// Measures rootcellar and its peers side by side. `npm run bench` builds what is missing and starts this; README.md
// says what is measured and how.

import { mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { isReleaseBuild } from "../scripts/lib/addon.mjs";
import { root } from "../scripts/lib/run.mjs";
import { drivers } from "./drivers/index.mjs";
import { groups } from "./groups/index.mjs";
import { drivers as onPostgres } from "./groups/postgres/drivers/index.mjs";
import { HELP, namesOf, parseOptions } from "./lib/options.mjs";
import { runRounds } from "./lib/processes/rounds.mjs";
import { failures, judge } from "./lib/report/check.mjs";
import { describeMachine, versionsOf } from "./lib/report/machine.mjs";
import { describeFailure, groupTable, targetTable } from "./lib/report/report.mjs";
import { readResults, writeResults } from "./lib/report/results.mjs";
import { summarize } from "./lib/report/statistics.mjs";
import { targets } from "./targets.mjs";

/** @typedef {import("./lib/report/results.mjs").Report} Report */

try {
	const options = parseOptions(process.argv.slice(2));
	if (options.help) console.log(HELP);
	else if (options.list) console.log(listNames(options));
	else await main(options);
} catch (error) {
	if (!(error instanceof TypeError)) throw error;
	console.error(`${error.message}\n\n${HELP}`);
	process.exitCode = 2;
}

/** @param {import("./lib/options.mjs").Options} options */
function listNames({ profile }) {
	return Object.entries(namesOf(profile))
		.map(([kind, names]) => `${kind}: ${names.join(", ")}`)
		.join("\n");
}

/** @param {import("./lib/options.mjs").Options} options */
async function main(options) {
	const report = options.from === undefined ? await measure(options) : rejudge(readResults(options.from));
	const { profile, targets: verdicts, failures: failedTasks } = report;
	print(report, options);
	if (options.out !== undefined) writeResults(resolve(options.out), report);
	const failedTargets = options.check ? failures(verdicts, options) : [];
	for (const verdict of failedTargets) console.log(describeFailure(verdict, infoOf, titleIn(profile)));
	for (const { group, subject, problem } of failedTasks) console.log(`failed: ${subject} in ${group}: ${problem}`);
	if (failedTargets.length > 0 || failedTasks.length > 0) process.exitCode = 1;
}

/**
 * @param {import("./lib/options.mjs").Options} options
 * @returns {Promise<Report>}
 */
async function measure(options) {
	if (options.profile.build === "release" && !isReleaseBuild()) {
		throw new TypeError(
			"the addon in place is the tests' build, which is not to be measured: npm run bench builds another",
		);
	}
	const folder = makeFolder(options.folder);
	const machine = describeMachine(folder);
	const run = await runRounds({ options, folder, say: (line) => console.error(line) });
	return reportOf(run, machine, options);
}

/**
 * Holds the results of an earlier run against the targets of today.
 *
 * @param {Report} report
 * @returns {Report}
 */
function rejudge(report) {
	return { ...report, targets: judge(targets, report.results, infoOf) };
}

/**
 * A folder of this run for the stores. It is removed when the process ends, also when it is interrupted.
 *
 * @param {string} [parent]
 */
function makeFolder(parent = join(root, "target", "benchmark")) {
	const folder = resolve(parent, String(process.pid));
	mkdirSync(folder, { recursive: true });
	process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
	for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));
	return folder;
}

/**
 * @param {Awaited<ReturnType<typeof runRounds>>} run
 * @param {ReturnType<typeof describeMachine>} machine
 * @param {import("./lib/options.mjs").Options} options
 * @returns {Report}
 */
function reportOf({ samples, failures: failed }, machine, { profile }) {
	const results = summarize(samples).map((result) => {
		const { title, unit } = infoOf(result.group, result.workload);
		return { ...result, title, unit };
	});
	return {
		date: new Date().toISOString(),
		profile,
		machine,
		versions: versionsOf([...new Set([...drivers, ...onPostgres].flatMap(({ packages }) => packages))]),
		drivers: drivers.map(({ id, title, durable, durability }) => ({ id, title, durable, durability })),
		results,
		targets: judge(targets, results, infoOf),
		failures: failed,
	};
}

/**
 * @param {Report} report
 * @param {import("./lib/options.mjs").Options} options
 */
function print({ profile, machine, results, targets: verdicts, drivers: described }, { wants }) {
	const { cpu, cores, memoryGiB, os, node, diskSyncsPerSecond } = machine;
	console.log(
		`${cores} x ${cpu}, ${memoryGiB} GiB, ${os}, Node ${node}, ${diskSyncsPerSecond} disk syncs per second\n`,
	);
	for (const { title, durability } of described) console.log(`${title}: ${durability}`);
	const measured = groups.filter(({ id }) => results.some(({ group }) => group === id));
	for (const group of measured) console.log(`\n${groupTable(group, profile, results)}`);
	const wanted = verdicts.filter(({ group, workload, subject, against = subject }) =>
		[subject, against].every((side) => wants(group, side, workload)),
	);
	if (wanted.length > 0) console.log(`\n## Targets\n\n${targetTable(wanted, infoOf, titleIn(profile))}\n`);
}

/**
 * @param {string} group
 * @param {string} workload
 */
function infoOf(group, workload) {
	const info = groups.find(({ id }) => id === group)?.workloads.find(({ id }) => id === workload);
	if (info === undefined) throw new Error(`there is no workload ${workload} in ${group}`);
	return info;
}

/** @param {import("./lib/profile.mjs").Profile} profile */
function titleIn(profile) {
	return (/** @type {string} */ group, /** @type {string} */ subject) => {
		const tasks = groups.find(({ id }) => id === group)?.tasks(profile) ?? [];
		return tasks.find((task) => task.subject === subject)?.title ?? subject;
	};
}
