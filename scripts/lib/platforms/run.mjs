// Runs what a bot does, and the unit tests of the core, on another platform.

import { spawn } from "node:child_process";
import { closeSync, cpSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root, StepFailure } from "../run.mjs";
import { platformsFolder } from "./folder.mjs";

const SCENARIO_LIMIT_MS = 3_600_000;

/** Parts of the package that the scenario loads. The packages that it uses are found above it, in the repository's. */
const PACKAGE = ["bin", "index.js", "index.mjs", "lib", "package.json"];

/**
 * A platform, set up: how its programs are started here, Node for it, and what of them is passed on to programs that
 * start others.
 *
 * @typedef {object} Machine
 * @property {string[]} runner - What is put before a program.
 * @property {string[]} [childRunner] - What programs of it put before others that they start. The same unless given.
 * @property {string} node
 * @property {NodeJS.ProcessEnv} [env]
 */

/**
 * Outcome of a run, of the scenario's steps or of the unit tests: how many have passed, which have failed, and what the
 * platform does not have.
 *
 * @typedef {{ passed: number, failures: string[], skipped: string[] }} Outcome
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
	const resultsFile = join(platformsFolder, "projects", name, "results.jsonl");
	const work = join(platformsFolder, "projects", name, "work");
	rmSync(resultsFile, { force: true });
	const program = join(root, "__test__/platforms/scenario.cjs");
	const args = [...runner, node, program, packageFolder, work, resultsFile, ...childRunner];
	const { output } = await runToFile(`Running the scenario on ${name}`, name, args, env);
	const lines = existsSync(resultsFile) ? readFileSync(resultsFile, "utf8").trim().split("\n").filter(Boolean) : [];
	const results = lines.map((line) => JSON.parse(line));
	const steps = results.filter(({ title }) => title !== undefined);
	for (const { title, ms, error, skipped } of steps) {
		const what = error === undefined ? (skipped ?? "ok") : `failed: ${error}`;
		console.log(`  ${(ms / 1000).toFixed(1).padStart(6)} s  ${title}: ${what}`);
	}
	const failures = steps.filter(({ error }) => error !== undefined).map(({ title }) => title);
	const skipped = steps.filter((step) => step.skipped !== undefined);
	const passed = steps.length - failures.length - skipped.length;
	if (results.at(-1)?.end !== true) failures.push(`it ended in the middle: ${output.slice(-2_000)}`);
	return { passed, failures, skipped: skipped.map((step) => `${step.title} (${step.skipped})`) };
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
	const { runner, env = {} } = machine;
	const args = [...runner, tests, "--test-threads", "2"];
	const { output } = await runToFile(`Running the unit tests on ${name}`, `${name}-unit`, args, env);
	const named = (/** @type {string} */ result) =>
		[...output.matchAll(/^test (\S+) \.\.\. (FAILED|ignored)/gm)].flatMap(([, test = "", of]) =>
			of === result ? test : [],
		);
	const counts = /^test result: .*?(\d+) passed/m.exec(output);
	if (counts === null)
		return { passed: 0, failures: [`the unit tests ended in the middle: ${output.slice(-2_000)}`], skipped: [] };
	console.log(`  ${counts.input.slice(counts.index).split("\n")[0]}`);
	return { passed: Number(counts[1]), failures: named("FAILED"), skipped: named("ignored") };
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
