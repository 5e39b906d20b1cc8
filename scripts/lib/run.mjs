import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { openOutput, printEverything } from "./terminal.mjs";

/** The repository's folder. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Tools that print to a pipe leave out colors unless they are told. */
const colors = process.stdout.isTTY ? { FORCE_COLOR: "1", CARGO_TERM_COLOR: "always" } : {};

/**
 * @typedef {object} Options
 * @property {NodeJS.ProcessEnv} [env] - Variables added to the environment.
 * @property {string} [cwd] - The repository's folder unless given.
 * @property {boolean} [shell]
 * @property {string} [hint] - What a person can do when the step fails.
 * @property {boolean} [keepsStdout] - Whether what the command writes to stdout is returned only, and not printed.
 */

/** A step that has failed. */
export class StepFailure extends Error {
	/**
	 * @param {string} title
	 * @param {string} reason
	 * @param {{ hint?: string, exitCode?: number }} [details]
	 */
	constructor(title, reason, { hint, exitCode = 1 } = {}) {
		super(reason);
		this.title = title;
		this.hint = hint;
		this.exitCode = exitCode;
	}
}

/** @type {Set<import("node:child_process").ChildProcess>} */
const running = new Set();

/**
 * The steps that have ended, in that order, with what they wrote to stdout and stderr.
 *
 * @type {{ title: string, seconds: number, reason: string | undefined, output: string }[]}
 */
export const endedSteps = [];

/**
 * Runs a command as one step: a heading line, then the command's own output. Steps may run at the same time; the
 * output of one follows that of another.
 *
 * @param {string} title - The heading line.
 * @param {string} command
 * @param {string[]} args
 * @param {Options} [options]
 * @returns {Promise<string>} What the command wrote to stdout.
 * @throws {StepFailure} When the command does not end with code 0.
 */
export async function run(title, command, args, { env, cwd = root, shell, hint, keepsStdout = false } = {}) {
	const started = performance.now();
	const output = openOutput();
	output.write(`\n== ${title}\n`);
	const child = spawn(command, args, {
		cwd,
		shell,
		env: { ...process.env, ...colors, ...env },
		stdio: ["ignore", "pipe", "pipe"],
	});
	running.add(child);
	/** @type {Buffer[]} */
	const stdout = [];
	/** @type {Buffer[]} */
	const both = [];
	child.stdout.on("data", (chunk) => {
		stdout.push(chunk);
		both.push(chunk);
		if (!keepsStdout) output.write(chunk);
	});
	child.stderr.on("data", (chunk) => {
		both.push(chunk);
		output.write(chunk);
	});
	const reason = await ending(child, command);
	running.delete(child);
	output.end();
	endedSteps.push({
		title,
		seconds: (performance.now() - started) / 1000,
		reason,
		output: Buffer.concat(both).toString(),
	});
	if (reason) throw new StepFailure(title, reason, { hint, exitCode: exitCodeOf(child) });
	return Buffer.concat(stdout).toString();
}

/**
 * Runs a program of Node's that a person may talk to, with the terminal to itself.
 *
 * @param {string} title
 * @param {string[]} args
 */
export async function runInTerminal(title, args) {
	console.log(`\n== ${title}`);
	const child = spawn(process.execPath, args, { cwd: root, stdio: "inherit" });
	const reason = await ending(child, process.execPath);
	if (reason) throw new StepFailure(title, reason, { exitCode: exitCodeOf(child) });
}

/**
 * @param {import("node:child_process").ChildProcess} child
 * @param {string} command
 * @returns {Promise<string | undefined>} Why the command has failed.
 */
function ending(child, command) {
	return new Promise((resolve) => {
		child.once("error", (error) => resolve(`${command} could not be started (${error.message})`));
		child.once("close", (code, signal) => {
			if (signal) resolve(`${command} was ended by ${signal}`);
			resolve(code ? `${command} ended with code ${code}` : undefined);
		});
	});
}

/**
 * The code of a command that has failed; 1 where it has none.
 *
 * @param {import("node:child_process").ChildProcess} child
 */
function exitCodeOf({ exitCode }) {
	return exitCode === null || exitCode <= 0 ? 1 : exitCode;
}

/**
 * Waits until every step has ended, also where one fails.
 *
 * @param {Promise<unknown>[]} steps
 * @throws What the first that has failed throws.
 */
export async function together(...steps) {
	const failed = (await Promise.allSettled(steps)).find(({ status }) => status === "rejected");
	if (failed?.status === "rejected") throw failed.reason;
}

/**
 * Runs a script of this folder. When a step fails, those beside it are ended, the last lines name the step that
 * failed, and the process ends with its exit code.
 *
 * @param {() => Promise<void>} script
 */
export async function main(script) {
	try {
		await script();
	} catch (error) {
		if (!(error instanceof StepFailure)) throw error;
		for (const child of running) child.kill();
		printEverything();
		console.error(`\nfailed: ${error.title}\n${error.message}${error.hint ? `\n${error.hint}` : ""}`);
		process.exit(error.exitCode);
	}
}

/**
 * Runs the command of a development dependency, in this very version of Node.
 *
 * @param {string} title
 * @param {string} packageName
 * @param {string[]} args
 * @param {Options} [options]
 */
export function runTool(title, packageName, args, options) {
	return run(title, process.execPath, [toolPath(packageName), ...args], options);
}

/**
 * The JavaScript file behind the first command that a development dependency declares.
 *
 * @param {string} packageName
 */
export function toolPath(packageName) {
	const folder = join(root, "node_modules", packageName);
	const { bin } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
	return join(folder, typeof bin === "string" ? bin : Object.values(bin)[0]);
}

/**
 * Command that starts npm: the script that runs us if npm does, else its name (a batch file on Windows,
 * which only a shell starts).
 *
 * @param {string[]} args
 * @returns {[command: string, args: string[], options: { shell: boolean }]}
 */
export function npm(args) {
	const script = process.env.npm_execpath;
	if (script?.endsWith("npm-cli.js")) return [process.execPath, [script, ...args], { shell: false }];
	return ["npm", args, { shell: process.platform === "win32" }];
}
