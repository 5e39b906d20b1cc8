// Runs what a bot does, and the unit tests of the core, on another platform.

import { spawn } from "node:child_process";
import { closeSync, cpSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root, StepFailure } from "../run.mjs";
import { platformsFolder } from "./folder.mjs";

const SCENARIO_LIMIT_MS = 3_600_000;

/** What of the package the scenario loads. The packages that it uses are found above it, in the repository's. */
const PACKAGE = ["bin", "index.js", "index.mjs", "lib", "package.json"];

/**
 * A platform, set up: how its programs are started here, Node for it, and what of them is passed on to programs that
 * start others.
 *
 * @typedef {object} Machine
 * @property {string[]} runner - What is put before a program.
 * @property {string[]} [childRunner] - What programs of it put before others that they start. The same unless given.
 * @property {string[]} [testRunner] - What is put before the unit tests. The same unless given.
 * @property {string} node
 * @property {NodeJS.ProcessEnv} [env]
 */

/**
 * What came of a run: steps of the scenario, and unit tests.
 *
 * @typedef {{ passed: number, failed: number, skipped: number, failures: string[] }} Outcome
 */

/**
 * Puts the package with an addon into a folder, as npm would.
 *
 * @param {string} name
 * @param {string} suffix - napi-rs's name of the platform.
 * @param {string} addon
 * @returns {string} The folder of the package.
 */
export function stagePackage(name, suffix, addon) {
	const modules = join(platformsFolder, "projects", name, "node_modules");
	rmSync(modules, { recursive: true, force: true });
	for (const part of PACKAGE) cpSync(join(root, part), join(modules, "rootcellar", part), { recursive: true });
	const binary = join(modules, `rootcellar-${suffix}`);
	mkdirSync(binary, { recursive: true });
	cpSync(addon, join(binary, `rootcellar.${suffix}.node`));
	const manifest = { name: `rootcellar-${suffix}`, version: "0.0.0", main: `rootcellar.${suffix}.node` };
	writeFileSync(join(binary, "package.json"), JSON.stringify(manifest));
	return join(modules, "rootcellar");
}

/**
 * Runs the scenario.
 *
 * @param {string} name
 * @param {Machine} machine
 * @param {string} packageFolder
 * @returns {Promise<Outcome>}
 */
export async function runScenario(name, machine, packageFolder) {
	const { runner, childRunner = runner, node, env = {} } = machine;
	const results = join(platformsFolder, "projects", name, "results.jsonl");
	const work = join(platformsFolder, "projects", name, "work");
	rmSync(results, { force: true });
	const program = join(root, "__test__/platforms/scenario.cjs");
	const args = [...runner, node, program, packageFolder, work, results, ...childRunner];
	const { output } = await runToFile(`Running the scenario on ${name}`, name, args, env);
	const lines = existsSync(results) ? readFileSync(results, "utf8").trim().split("\n").filter(Boolean) : [];
	const steps = lines.map((line) => JSON.parse(line));
	for (const { title, ms, error, skipped } of steps.filter((step) => step.title !== undefined)) {
		const what = error === undefined ? (skipped ?? "ok") : `failed: ${error}`;
		console.log(`  ${(ms / 1000).toFixed(1).padStart(6)} s  ${title}: ${what}`);
	}
	const failures = steps.filter(({ error }) => error !== undefined).map(({ title }) => title);
	if (steps.at(-1)?.end !== true) failures.push(`it ended in the middle: ${output.slice(-2_000)}`);
	const skipped = steps.filter(({ skipped: reason }) => reason !== undefined).length;
	const passed = steps.filter((step) => step.title !== undefined).length;
	return { passed: passed - skipped - failures.length, failed: failures.length, skipped, failures };
}

/**
 * Runs the unit tests.
 *
 * @param {string} name
 * @param {Machine} machine
 * @param {string} tests
 * @returns {Promise<Outcome>}
 */
export async function runUnitTests(name, machine, tests) {
	const { runner, testRunner = runner, env = {} } = machine;
	const args = [...testRunner, tests, "--test-threads", "2"];
	const { output } = await runToFile(`Running the unit tests on ${name}`, `${name}-unit`, args, env);
	const failures = [...output.matchAll(/^test (\S+) \.\.\. FAILED/gm)].map(([, test]) => test ?? "");
	const counts = /^test result: .*?(\d+) passed; (\d+) failed; (\d+) ignored/m.exec(output);
	if (counts === null) return { passed: 0, failed: 1, skipped: 0, failures: [`no result: ${output.slice(-2_000)}`] };
	console.log(`  ${counts[0]}`);
	const [, passed, failed, skipped] = counts.map(Number);
	return { passed: passed ?? 0, failed: failed ?? 0, skipped: skipped ?? 0, failures };
}

/**
 * Runs a program with its output in a file: some runners have no pipes.
 *
 * @param {string} title
 * @param {string} log
 * @param {string[]} command
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<{ output: string }>}
 */
async function runToFile(title, log, [command = "", ...args], env) {
	console.log(`\n== ${title}`);
	mkdirSync(join(platformsFolder, "logs"), { recursive: true });
	const path = join(platformsFolder, "logs", `${log}.log`);
	const file = openSync(path, "w");
	try {
		const settings = { ...process.env, ...env };
		const child = spawn(command, args, { cwd: root, env: settings, stdio: ["ignore", file, file] });
		const timer = setTimeout(() => child.kill("SIGKILL"), SCENARIO_LIMIT_MS);
		await new Promise((resolve, reject) => {
			child.on("error", (error) => reject(new StepFailure(title, error.message)));
			child.on("exit", resolve);
		});
		clearTimeout(timer);
	} finally {
		closeSync(file);
	}
	return { output: readFileSync(path, "utf8") };
}
