// Other writers of a store's file: different libraries, threads and processes behind one interface.
//
// `openWriter(kind, filename)` resolves with `{ set(entries), remove(key, communityId), removeLike(pattern), close() }`.
// Each call is one transaction, and has resolved when that is committed. An entry is `{ key, value, communityId, expiresAt }`.

import { fork } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { openDataStore } from "rootcellar";

const require = createRequire(import.meta.url);
const server = fileURLToPath(new URL("programs/serve.mjs", import.meta.url));

/** Environment that the SDK needs to be loaded. */
const SDK_ENV = { COMMUNITY_ID: "WiJn1KM1f5eB9A9RzVwVLw", DEV_TOKEN: "none" };

const DELETE = "DELETE FROM __rootapp_kv WHERE community_id IS ? AND key = ?";
const DELETE_LIKE = "DELETE FROM __rootapp_kv WHERE community_id IS NULL AND key LIKE ?";
const INSERT = "INSERT INTO __rootapp_kv (community_id, key, value, expires_at) VALUES (?, ?, ?, ?)";

/** The statements that store entries, each with its parameters. */
function statementsOf(entries) {
	return entries.flatMap(({ key, value, communityId = null, expiresAt = null }) => [
		[DELETE, communityId, key],
		[INSERT, communityId, key, JSON.stringify(value), expiresAt],
	]);
}

function keyValueWriter(appData, close) {
	return {
		set: (entries) => appData.set(entries),
		remove: (key, communityId) => appData.delete(key, communityId),
		removeLike: (pattern) => appData.deleteLike(pattern),
		close,
	};
}

function secondStore(filename) {
	const store = openDataStore({ filename, backup: false });
	return keyValueWriter(store.appData, () => store.close());
}

/** better-sqlite3, whose calls have committed when they return. */
export function openBetterSqlite3(filename) {
	const Database = require("better-sqlite3");
	const database = new Database(filename);
	return { database, ...synchronousWriter(database) };
}

/** node:sqlite, where Node has it. */
export function openNodeSqlite(filename) {
	const { DatabaseSync } = require("node:sqlite");
	const database = new DatabaseSync(filename);
	return { database, ...synchronousWriter(database) };
}

function synchronousWriter(database) {
	database.exec("PRAGMA busy_timeout = 5000; PRAGMA synchronous = NORMAL");
	const transaction = (statements) => {
		database.exec("BEGIN IMMEDIATE");
		for (const [sql, ...parameters] of statements) database.prepare(sql).run(...parameters);
		database.exec("COMMIT");
	};
	return {
		set: (entries) => transaction(statementsOf(entries)),
		remove: (key, communityId = null) => transaction([[DELETE, communityId, key]]),
		removeLike: (pattern) => transaction([[DELETE_LIKE, pattern]]),
		close: () => database.close(),
	};
}

async function openSqlite3(filename) {
	const { Database } = require("sqlite3");
	const database = await new Promise((resolve, reject) => {
		const opened = new Database(filename, (error) => (error ? reject(error) : resolve(opened)));
	});
	const run = (sql, ...parameters) =>
		new Promise((resolve, reject) => {
			database.run(sql, parameters, (error) => (error ? reject(error) : resolve()));
		});
	await run("PRAGMA busy_timeout = 5000");
	await run("PRAGMA synchronous = NORMAL");
	const transaction = async (statements) => {
		await run("BEGIN IMMEDIATE");
		for (const [sql, ...parameters] of statements) await run(sql, ...parameters);
		await run("COMMIT");
	};
	return {
		set: (entries) => transaction(statementsOf(entries)),
		remove: (key, communityId = null) => transaction([[DELETE, communityId, key]]),
		removeLike: (pattern) => transaction([[DELETE_LIKE, pattern]]),
		close: () => new Promise((resolve, reject) => database.close((error) => (error ? reject(error) : resolve()))),
	};
}

function openSdk() {
	const { appData } = require("@rootsdk/server-bot").rootServer.dataStore;
	return keyValueWriter(appData, async () => {});
}

/** Writers that write in the thread that opens them. */
export const local = {
	"a second store": secondStore,
	"better-sqlite3": openBetterSqlite3,
	sqlite3: openSqlite3,
	SDK: openSdk,
};

/** A writer elsewhere, told by messages what to do. */
function remote({ send, receive, end }) {
	const waiting = [];
	receive(({ error }) => {
		const { resolve, reject } = waiting.shift();
		if (error === undefined) resolve();
		else reject(new Error(error));
	});
	const call =
		(method) =>
		(...args) =>
			new Promise((resolve, reject) => {
				waiting.push({ resolve, reject });
				send({ method, args });
			});
	const close = call("close");
	return {
		set: call("set"),
		remove: call("remove"),
		removeLike: call("removeLike"),
		close: async () => {
			await close();
			await end();
		},
	};
}

function inThread(kind) {
	return (filename) => {
		const worker = new Worker(server, { workerData: { kind, filename } });
		const writer = remote({
			send: (message) => worker.postMessage(message),
			receive: (listener) => worker.on("message", listener),
			end: () => worker.terminate(),
		});
		return { ...writer, worker };
	};
}

function inProcess(kind, env = {}) {
	return (filename) => {
		const config = JSON.stringify({ databaseType: "sqlite3", sqlite3: { filename } });
		const child = fork(server, [kind, filename], {
			execArgv: [],
			env: { ...process.env, ...env, ...(kind === "SDK" && { DATABASE_CONFIG: config }) },
		});
		const writer = remote({
			send: (message) => child.send(message),
			receive: (listener) => child.on("message", listener),
			end: () => {
				const ended = new Promise((resolve) => child.once("exit", resolve));
				child.kill("SIGKILL");
				return ended;
			},
		});
		return { ...writer, child };
	};
}

/** Every kind, by name: how to open a file with it. */
export const writers = {
	"a second store": secondStore,
	"better-sqlite3": openBetterSqlite3,
	sqlite3: openSqlite3,
	"a worker thread": inThread("a second store"),
	"another process": inProcess("a second store"),
	"another process with better-sqlite3": inProcess("better-sqlite3"),
	"another process with the SDK": inProcess("SDK", SDK_ENV),
};
