import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";

/**
 * Job of a process: workloads of one task.
 *
 * @typedef {object} Order
 * @property {string} groupId
 * @property {string} subject
 * @property {readonly string[]} workloads
 * @property {import("../profile.mjs").Profile} profile
 * @property {string} folder
 * @property {NodeJS.ProcessEnv} [env] - Of the process; default: that of this one.
 *
 * A process that takes turns with others.
 *
 * @typedef {object} Runner
 * @property {() => Promise<boolean>} proceed - Lets it run, at first until it is ready for its first workload, then
 * for a workload each. Resolves when it pauses, with `true`, or has ended, with `false`.
 */

const CHILD = fileURLToPath(new URL("child.mjs", import.meta.url));

/** A turn that takes longer hangs. The longest, a day of backups, takes a quarter of an hour. */
const TURN_MS_MAX = 3_600_000;

/** A peer's message may hold a whole statement, and a line of its stack trace a whole bundle. */
const PROBLEM_CHARACTERS_MAX = 300;

/**
 * Prepares a task for a process of its own, which starts in its folder when it first proceeds.
 *
 * @param {Order} order
 * @param {{ report: (workload: string, value: number) => void, fail: (problem: string) => void }} listener
 * @returns {Runner}
 */
export function createRunner(order, { report, fail }) {
	/** @type {import("node:child_process").ChildProcess | undefined} */
	let child;
	/** @type {(paused: boolean) => void} */
	let settle = () => {};
	return {
		proceed: () =>
			new Promise((resolve) => {
				const timer = setTimeout(() => child?.kill("SIGKILL"), TURN_MS_MAX);
				settle = (paused) => {
					clearTimeout(timer);
					resolve(paused);
				};
				if (child === undefined) {
					child = start(order, { report, fail, pause: () => settle(true), end: () => settle(false) });
					child.send(order);
				} else {
					child.send({ turn: true });
				}
			}),
	};
}

/**
 * @param {Order} order
 * @param {{
 *   report: (workload: string, value: number) => void,
 *   fail: (problem: string) => void,
 *   pause: () => void,
 *   end: () => void,
 * }} listener
 */
function start(order, { report, fail, pause, end }) {
	const child = fork(CHILD, { cwd: order.folder, env: order.env, stdio: ["ignore", "ignore", "pipe", "ipc"] });
	let printed = "";
	/** @type {string | undefined} */
	let problem;
	let done = false;
	child.stderr?.on("data", (chunk) => {
		printed = (printed + chunk).slice(-PROBLEM_CHARACTERS_MAX);
	});
	child.on("message", (/** @type {any} */ message) => {
		if ("value" in message) report(message.workload, message.value);
		done ||= message.done === true;
		problem ??= message.problem?.slice(0, PROBLEM_CHARACTERS_MAX);
		if (message.paused) pause();
	});
	child.on("close", (code, signal) => {
		if (!done) fail((problem ?? printed.trim()) || `ended with ${signal ?? `code ${code}`}`);
		end();
	});
	return child;
}

/**
 * Lets each runner proceed in turn, round and round, until all have ended: of several drivers with the same
 * workloads, each workload of one comes right after the same of the others.
 *
 * @param {readonly Runner[]} runners
 */
export async function takeTurns(runners) {
	let waiting = runners;
	while (waiting.length > 0) {
		const paused = [];
		for (const runner of waiting) {
			if (await runner.proceed()) paused.push(runner);
		}
		waiting = paused;
	}
}
