// Runs a function of a module over the SDK's store or over rootcellar's, in a process of its own: two copies of
// SQLite in one process are another test's subject.

import { fork } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";

const CHILD = fileURLToPath(new URL("./child.mjs", import.meta.url));
const TIME_LIMIT_MS = 120_000;

/** What the SDK must find in the environment, else it ends the process. The ids are made up. */
export const SDK_ENV = { COMMUNITY_ID: "WiJn1KM1f5eB9A9RzVwVLw", DEV_TOKEN: "none" };

/** `DATABASE_CONFIG` for a file. */
export function databaseConfig(filename) {
	return JSON.stringify({ databaseType: "sqlite3", sqlite3: { filename } });
}

/** A folder of its own for the tests of the `describe` that calls this, removed after them. */
export function sharedFolder() {
	const folder = realpathSync(mkdtempSync(path.join(tmpdir(), "rootcellar-sdk-")));
	afterAll(() => rmSync(folder, { recursive: true, force: true }));
	return folder;
}

/**
 * Calls `name` of the module at `url` with the store of `side` ("sdk" or "rootcellar") on `filename` and
 * with `args`, and resolves with what it resolved with (structured clone).
 */
export function runWith(side, filename, url, name, ...args) {
	return new Promise((resolve, reject) => {
		const child = fork(CHILD, [side], {
			cwd: path.dirname(filename),
			env: { ...process.env, ...SDK_ENV, DATABASE_CONFIG: databaseConfig(filename) },
			execArgv: [],
			serialization: "advanced",
			stdio: ["ignore", "pipe", "pipe", "ipc"],
			timeout: TIME_LIMIT_MS,
			killSignal: "SIGKILL",
		});
		let printed = "";
		for (const stream of [child.stdout, child.stderr]) {
			stream.setEncoding("utf8").on("data", (text) => {
				printed += text;
			});
		}
		let answer;
		child.on("message", (message) => {
			answer = message;
		});
		child.on("error", reject);
		child.on("close", (code, signal) => {
			if (code === 0 && answer && "result" in answer) resolve(answer.result);
			else reject(new Error(`${name} over ${side} ended with ${signal ?? code}: ${shorten(printed)}`));
		});
		child.send({ url: String(url), name, args });
	});
}

/** The SDK's source is one line of a megabyte, which Node prints with an uncaught error. */
function shorten(text) {
	return text
		.split("\n")
		.slice(0, 30)
		.map((line) => line.slice(0, 200))
		.join("\n");
}
