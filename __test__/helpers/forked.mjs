// Node programs that answer with a message.

import { fork } from "node:child_process";
import { onTestFinished } from "vitest";

/** The SDK's source is one line of a megabyte, which Node prints with an uncaught error. */
const LINE_CHARACTERS_MAX = 500;

/** Our environment, without what would configure a store or Node, unless the tests themselves do, and with what a test wants. */
function environment(wanted) {
	const { DATABASE_CONFIG, NODE_OPTIONS, ...inherited } = process.env;
	const { ROOTCELLAR_TEST_NODE_OPTIONS: own } = process.env;
	return { ...inherited, ...(own && { NODE_OPTIONS: own }), ...wanted };
}

/**
 * Runs a program until it ends. Resolves with the last message that it has sent, its exit code or signal, and what it
 * printed. It is sent `message`, if there is one.
 */
export function runForked(program, { args = [], env, message, timeout = 240_000, ...options }) {
	return new Promise((resolve, reject) => {
		const settings = { stdio: ["ignore", "pipe", "pipe", "ipc"], timeout, killSignal: "SIGKILL", execArgv: [] };
		const child = fork(program, args, { ...settings, ...options, env: environment(env) });
		let printed = "";
		for (const stream of [child.stdout, child.stderr]) {
			stream.setEncoding("utf8").on("data", (text) => {
				printed += text;
			});
		}
		let answer;
		child.on("message", (sent) => {
			answer = sent;
		});
		child.on("error", reject);
		child.on("close", (code, signal) => resolve({ answer, code, signal, printed: shorten(printed) }));
		if (message !== undefined) child.send(message);
	});
}

/**
 * Starts a program that goes on until the test ends. `message` resolves with the next message that it sends, and rejects
 * with the end of what it printed if it has ended.
 */
export function startForked(program, args, options = {}) {
	const child = fork(program, args, { stdio: ["ignore", "ignore", "pipe", "ipc"], ...options });
	onTestFinished(() => child.kill("SIGKILL"));
	let errors = "";
	child.stderr.on("data", (chunk) => (errors += chunk));
	const ended = new Promise((_, reject) =>
		child.once("close", () => reject(new Error(`${args[0]} ended: ${errors.slice(-LINE_CHARACTERS_MAX)}`))),
	);
	ended.catch(() => {});
	const message = () => Promise.race([ended, new Promise((resolve) => child.once("message", resolve))]);
	return { message, send: (order) => child.send(order) };
}

function shorten(text) {
	return text
		.split("\n")
		.map((line) => line.slice(0, LINE_CHARACTERS_MAX))
		.join("\n");
}
