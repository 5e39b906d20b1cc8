// Another SQLite library on the same file: the `sqlite3` package, always in a process of its own, as two copies
// of SQLite in one process would share their locks.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished } from "vitest";

const child = fileURLToPath(new URL("./raw-child.cjs", import.meta.url));

/** The table and index as SDK 0.17.0 makes them. */
export const SDK_SCHEMA = [
	"CREATE TABLE `__rootapp_kv` (`key` varchar(255) not null, `community_id` varchar(255), `value` varchar(255) not null, `expires_at` datetime)",
	"CREATE UNIQUE INDEX `__rootapp_kv_community_id_key_unique` on `__rootapp_kv` (`community_id`, `key`)",
];

/**
 * Runs SQL statements on a file, each `"sql"` or `["sql", ...parameters]`, and resolves with the rows of the
 * last one.
 */
export function raw(filename, ...statements) {
	return new Promise((resolve, reject) => {
		const process_ = execFile(
			process.execPath,
			[child, filename],
			{ maxBuffer: 64 * 1024 * 1024 },
			(error, stdout, stderr) => {
				if (error) reject(new Error(`raw access to the file failed: ${stderr || error.message}`));
				else resolve(JSON.parse(stdout));
			},
		);
		process_.stdin.end(JSON.stringify(statements));
	});
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
	const process_ = spawn(process.execPath, [child, filename, "keep"], { stdio: ["pipe", "pipe", "inherit"] });
	let buffer = "";
	const replies = [];
	process_.stdout.setEncoding("utf8").on("data", (chunk) => {
		buffer += chunk;
		for (let end = buffer.indexOf("\n"); end >= 0; end = buffer.indexOf("\n")) {
			const reply = JSON.parse(buffer.slice(0, end));
			buffer = buffer.slice(end + 1);
			const { resolve, reject } = replies.shift();
			if (reply.error) reject(new Error(reply.error));
			else resolve(reply.rows);
		}
	});
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
		run: (...statements) =>
			new Promise((resolve, reject) => {
				replies.push({ resolve, reject });
				process_.stdin.write(`${JSON.stringify(statements)}\n`);
			}),
	};
}
