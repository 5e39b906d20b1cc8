/** @typedef {import("./run.mjs").Outcome} Outcome */

/**
 * Result for a platform.
 *
 * @typedef {object} Row
 * @property {string} name
 * @property {string} target
 * @property {string} how
 * @property {number} [bytes] - Of the addon.
 * @property {Outcome} [scenario]
 * @property {Outcome} [unitTests]
 * @property {number} [builtMs] - The time that setting up and building took,
 * @property {number} [ranMs] - and running.
 * @property {string[]} [complaints] - The compiler's, if a type check was all.
 * @property {string} [problem] - Why it was not run.
 */

const HEAD = ["platform", "built for", "run with", "addon", "scenario", "unit tests", "built in", "run in"];

/**
 * Prints a table, and what has failed. Returns whether all is well.
 *
 * @param {Row[]} rows
 */
export function printTable(rows) {
	const lines = [HEAD, ...rows.map(cellsOf)];
	const widths = HEAD.map((_, column) => Math.max(...lines.map((cells) => (cells[column] ?? "").length)));
	const print = (/** @type {string[]} */ cells) =>
		console.log(`| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`);
	console.log("\n== Platforms");
	for (const [index, cells] of lines.entries()) {
		print(cells);
		if (index === 0) print(widths.map((width) => "-".repeat(width)));
	}
	for (const line of rows.flatMap(skippedOf)) console.log(line);
	const problems = rows.flatMap(problemsOf);
	for (const problem of problems) console.log(`\nfailed: ${problem}`);
	return problems.length === 0;
}

/** @param {Row} row */
function cellsOf({ name, target, how, bytes, scenario, unitTests, builtMs, ranMs, complaints, problem }) {
	const megabytes = bytes === undefined ? "" : `${(bytes / 1e6).toFixed(1)} MB`;
	const outcome = (/** @type {Outcome | undefined} */ of) => (of ? countsOf(of) : problem ? "not run" : "");
	const time = (/** @type {number | undefined} */ ms) => (ms === undefined ? "" : `${(ms / 60_000).toFixed(1)} min`);
	const ran = complaints ? ["type-checked", ""] : [outcome(scenario), outcome(unitTests)];
	return [name, target, how, megabytes, ...ran, time(builtMs), time(ranMs)];
}

/** @param {Outcome} outcome */
function countsOf({ passed, failures, skipped }) {
	const rest = [
		...(failures.length > 0 ? [`${failures.length} failed`] : []),
		...(skipped.length > 0 ? [`${skipped.length} do not apply`] : []),
	];
	return [`${passed} passed`, ...rest].join(", ");
}

/** @param {Row} row */
function skippedOf({ name, scenario, unitTests }) {
	const skipped = [...(scenario?.skipped ?? []), ...(unitTests?.skipped ?? [])];
	return skipped.map((what) => `does not apply: ${name}: ${what}`);
}

/** @param {Row} row */
function problemsOf({ name, scenario, unitTests, complaints, problem }) {
	const failures = [...(scenario?.failures ?? []), ...(unitTests?.failures ?? []), ...(complaints ?? [])];
	return [...(problem ? [`${name}: ${problem}`] : []), ...failures.map((failure) => `${name}: ${failure}`)];
}
