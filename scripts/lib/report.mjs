import { readFileSync, writeFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import { endedSteps, StepFailure, together } from "./run.mjs";

/** The last lines of vitest and of cargo test, with what they have counted. */
const CLOSING_LINES = [/^ *Test Files .*\(\d+\)$/, /^ *Tests .*\(\d+\)$/, /^test result: .*$/];

/** Lines that vitest and cargo test print of a test that has failed. */
const FAILURES = [/^ *FAIL .*$/, /^test .* \.\.\. FAILED$/];

/** Names a file to which what is reported is added, so that the last of several commands reports all of it. */
const FILE = process.env.ROOTCELLAR_TEST_REPORT;

/** @type {string[]} */
const notRun = [];

/**
 * Runs a part of the tests when what it needs is there. Others go on, whatever becomes of it.
 *
 * @param {string} title
 * @param {Promise<unknown>[]} needs
 * @param {(title: string) => Promise<unknown>} work
 */
export async function part(title, needs, work) {
	try {
		await together(...needs);
	} catch (error) {
		if (!(error instanceof StepFailure)) throw error;
		notRun.push(`not run          ${title}, for this has failed: ${error.title}`);
		return;
	}
	try {
		await work(title);
	} catch (error) {
		if (!(error instanceof StepFailure)) throw error;
	}
}

/**
 * Prints every step with what became of it, the tests that have failed, and what the test runners have counted. Returns
 * whether all is well.
 */
export function report() {
	const earlier = FILE ? readFileSync(FILE, "utf8").split("\n").filter(Boolean) : [];
	const lines = [...earlier, ...endedSteps.map(describe), ...notRun, ...endedSteps.flatMap(linesOfTests)];
	if (FILE) writeFileSync(FILE, lines.join("\n"));
	const counts = lines.filter(isClosing);
	const failures = new Set(lines.filter(isFailure));
	const steps = lines.filter((line) => !isClosing(line) && !isFailure(line));
	console.log("\n== Everything that was run");
	for (const line of [...steps, "", ...failures, ...counts]) console.log(line);
	console.log(`\n${total(counts, "passed")} passed, ${total(counts, "failed")} failed`);
	return notRun.length === 0 && endedSteps.every(({ reason }) => reason === undefined);
}

/** @param {typeof endedSteps[number]} step */
function describe({ title, seconds, reason }) {
	const time = `${seconds.toFixed(1).padStart(6)} s`;
	return reason === undefined ? `ok      ${time}  ${title}` : `failed  ${time}  ${title}: ${reason}`;
}

/** @param {typeof endedSteps[number]} step */
function linesOfTests({ output }) {
	const lines = stripVTControlCharacters(output).split("\n");
	return lines.filter((line) => isClosing(line) || isFailure(line));
}

/** @param {string} line */
function isFailure(line) {
	return FAILURES.some((pattern) => pattern.test(line));
}

/** @param {string} line */
function isClosing(line) {
	return CLOSING_LINES.some((pattern) => pattern.test(line));
}

/**
 * Numbers of passed and failed tests.
 *
 * @param {string[]} lines
 * @param {string} outcome
 */
function total(lines, outcome) {
	const tests = lines.filter((line) => !/^ *Test Files/.test(line));
	const numbers = tests.map((line) => Number(line.match(new RegExp(`(\\d+) ${outcome}`))?.[1] ?? 0));
	return numbers.reduce((sum, number) => sum + number, 0);
}
