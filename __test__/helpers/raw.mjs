// Another SQLite library on the same file: the `sqlite3` package, always in a process of its own, as two copies
// of SQLite in one process would share their locks.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished } from "vitest";
import { oneLine } from "./one-line.cjs";

const child = fileURLToPath(new URL("./raw-child.cjs", import.meta.url));

/** The table and index as SDK 0.17.0 makes them. */
export const SDK_SCHEMA = [
	"CREATE TABLE `__rootapp_kv` (`key` varchar(255) not null, `community_id` varchar(255), `value` varchar(255) not null, `expires_at` datetime)",
	"CREATE UNIQUE INDEX `__rootapp_kv_community_id_key_unique` on `__rootapp_kv` (`community_id`, `key`)",
];

/** Sends requests to a process that runs statements, and gives the rows with which it answers. */
function startChild(args) {
	const process_ = spawn(process.execPath, [child, ...args], { stdio: ["pipe", "pipe", "inherit"] });
	const handles = [process_, process_.stdin, process_.stdout];
	const requests = new Map();
	let last = 0;
	createInterface({ input: process_.stdout }).on("line", (line) => {
		const { id, rows, error } = JSON.parse(line);
		const { resolve, reject } = requests.get(id);
		requests.delete(id);
		if (requests.size === 0) for (const handle of handles) handle.unref();
		if (error === undefined) resolve(rows);
		else reject(new Error(error));
	});
	process_.on("exit", (code, signal) => {
		if (!process_.killed)
			for (const { reject } of requests.values()) reject(new Error(`the other process ended with ${signal ?? code}`));
	});
	return {
		process: process_,
		ask: (request) =>
			new Promise((resolve, reject) => {
				const id = ++last;
				requests.set(id, { resolve, reject });
				for (const handle of handles) handle.ref();
				process_.stdin.write(oneLine({ id, ...request }));
			}),
	};
}

/** The process that runs the statements of this test file. It ends with the file. */
let shared;

/**
 * Runs SQL statements on a file, each `"sql"` or `["sql", ...parameters]`, on a connection of their own, and resolves with
 * the rows of the last one.
 */
export async function raw(filename, ...statements) {
	shared ??= startChild([]);
	try {
		return await shared.ask({ filename, statements });
	} catch (error) {
		throw new Error(`raw access to the file failed: ${error.message}`);
	}
}

/** SQLite finds nothing wrong with a file. */
export async function expectSound(filename) {
	expect(await raw(filename, "pragma integrity_check")).toEqual([{ integrity_check: "ok" }]);
}

/** Every row of the key-value table in the order of insertion, as `{ key, community_id, value, expires_at }`. */
export function rawRows(filename) {
	return raw(filename, "select key, community_id, value, expires_at from __rootapp_kv order by rowid");
}

/** Number of rows of the key-value table. */
export async function rawCount(filename) {
	const [{ n }] = await raw(filename, "select count(*) as n from __rootapp_kv");
	return n;
}

/** Makes a file as the SDK would have left it; rows are `{ key, value, community_id, expires_at }`. */
export function makeSdkFile(filename, rows) {
	return raw(
		filename,
		"begin",
		...SDK_SCHEMA,
		...rows.map((row) => [
			"insert into __rootapp_kv (key, community_id, value, expires_at) values (?, ?, ?, ?)",
			row.key,
			row.community_id ?? null,
			row.value,
			row.expires_at ?? null,
		]),
		"commit",
	);
}

/**
 * Another process that keeps one connection: `run(...statements)` is {@link raw} on it, so that transactions
 * may stay open. Ended by `close`, or when the test ends.
 */
export function rawConnection(filename) {
	const { process: process_, ask } = startChild([filename]);
	const ended = once(process_, "exit");
	onTestFinished(async () => {
		process_.kill("SIGKILL");
		await ended;
	});
	return {
		async close() {
			process_.stdin.end();
			await ended;
		},
		run: (...statements) => ask({ statements }),
	};
}
