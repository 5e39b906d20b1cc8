// Programs beside PostgreSQL that end with the process that has started them, however that ends.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { asServer } from "./data-folder.mjs";

/** Tells the id of the program, and ends it when the starter is gone, with whose end the standard input ends. */
const GUARD = '"$@" > log 2>&1 & pid=$!; echo $pid; cat > /dev/null; kill $pid 2> /dev/null; wait $pid';

/**
 * Starts a program as whoever runs the servers. It prints to the file `log` in its folder.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {{ cwd: string, env?: NodeJS.ProcessEnv }} options
 */
export async function startGuarded(program, args, { cwd, env }) {
	const child = spawn("sh", ["-c", GUARD, "sh", program, ...args], {
		...asServer,
		cwd,
		detached: true,
		env: { ...process.env, ...env },
		stdio: ["pipe", "pipe", "ignore"],
	});
	const ended = once(child, "exit");
	const [pid] = await once(child.stdout, "data");
	return {
		pid: Number(pid),
		/** Ends the program as it wants to be ended. */
		async stop() {
			child.stdin.end();
			await ended;
		},
	};
}
