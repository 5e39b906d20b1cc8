import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";

/**
 * Starts a program in a fresh process and waits for the one message that it sends.
 *
 * @param {URL} program
 * @param {{ args?: string[], execArgv?: string[], folder?: string }} [options]
 * @returns {Promise<any>}
 */
export function runFresh(program, { args = [], execArgv = [], folder } = {}) {
	return new Promise((resolve, reject) => {
		const stdio = /** @type {const} */ (["ignore", "ignore", "inherit", "ipc"]);
		const child = fork(fileURLToPath(program), args, { execArgv, cwd: folder, stdio: [...stdio] });
		/** @type {unknown} */
		let answer;
		child.once("message", (message) => {
			answer = message;
		});
		child.once("error", reject);
		child.once("close", (code, signal) => {
			if (answer !== undefined) resolve(answer);
			else reject(new Error(`${program.pathname.split("/").at(-1)} ended with ${signal ?? `code ${code}`}`));
		});
	});
}

/**
 * The other side: sends the message of this process and ends it.
 *
 * @param {NonNullable<unknown>} message
 */
export function answer(message) {
	process.send?.(message, () => process.exit());
}
