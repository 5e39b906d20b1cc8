import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's folder. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/**
 * Runs a command as one step: a heading line, then the command's own output. A failing step ends the process
 * with the command's exit code, and the last lines name the step.
 *
 * @param {string} title - The heading line.
 * @param {string} command
 * @param {string[]} args
 * @param {import("node:child_process").SpawnSyncOptions & { hint?: string }} [options] - `hint` is what a
 * person can do when the step fails.
 */
export function run(title, command, args, { hint, ...options } = {}) {
	console.log(`\n== ${title}`);
	const { status, signal, error } = spawnSync(command, args, { cwd: root, stdio: "inherit", ...options });
	if (error) fail(title, `${command} could not be started (${error.message})`, hint);
	if (signal) fail(title, `${command} was ended by ${signal}`, hint);
	if (status) fail(title, `${command} ended with code ${status}`, hint, status);
}

/**
 * Ends the process, naming the step that failed.
 *
 * @param {string} title
 * @param {string} reason
 * @param {string} [hint]
 * @param {number} [exitCode]
 * @returns {never}
 */
export function fail(title, reason, hint, exitCode = 1) {
	console.error(`\nfailed: ${title}\n${reason}${hint ? `\n${hint}` : ""}`);
	process.exit(exitCode);
}

/**
 * Runs the command of a development dependency, in this very version of Node.
 *
 * @param {string} title
 * @param {string} packageName
 * @param {string[]} args
 * @param {{ hint?: string }} [options]
 */
export function runTool(title, packageName, args, options) {
	run(title, process.execPath, [toolPath(packageName), ...args], options);
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
 * How npm is started: as the script that runs us where npm does, else by its name (a batch file on Windows,
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
