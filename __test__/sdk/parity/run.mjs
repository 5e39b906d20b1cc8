// Runs a function of a module over the SDK's store or over rootcellar's, in a process of its own: two copies of
// SQLite in one process are another test's subject.

import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";
import { runForked } from "../../helpers/forked.mjs";

const CHILD = fileURLToPath(new URL("./child.mjs", import.meta.url));
const TIME_LIMIT_MS = 240_000;

/** Environment without which the SDK ends the process. The ids are made up. */
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
export async function runWith(side, filename, url, name, ...args) {
	const { answer, code, signal, printed } = await runForked(CHILD, {
		args: [side],
		cwd: path.dirname(filename),
		env: { ...SDK_ENV, DATABASE_CONFIG: databaseConfig(filename) },
		serialization: "advanced",
		timeout: TIME_LIMIT_MS,
		message: { url: String(url), name, args },
	});
	if (code === 0 && answer && "result" in answer) return answer.result;
	throw new Error(`${name} over ${side} ended with ${signal ?? code}: ${printed}`);
}
