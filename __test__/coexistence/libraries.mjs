// Other SQLite libraries behind one face. `open(filename, options)` resolves with a connection:
//
//   run(sql, ...parameters)   all(sql, ...parameters)   transaction(statements)   close()
//
// A transaction is a list of `[sql, ...parameters]`, all or nothing, begun with BEGIN IMMEDIATE.

import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/** Busy timeout of the other library. */
const BUSY_TIMEOUT_MS = 2_000;

/** @returns the settings of a connection that every library makes by itself: `[sql]` each. */
function settings({ synchronous = "FULL", busyTimeoutMs = BUSY_TIMEOUT_MS } = {}) {
	return [`PRAGMA busy_timeout = ${busyTimeoutMs}`, `PRAGMA synchronous = ${synchronous}`];
}

async function openSqlite3(filename, options) {
	const { Database } = require("sqlite3");
	const database = await new Promise((resolve, reject) => {
		const opened = new Database(filename, (error) => (error ? reject(error) : resolve(opened)));
	});
	const all = (sql, ...parameters) =>
		new Promise((resolve, reject) => {
			database.all(sql, parameters, (error, rows) => (error ? reject(error) : resolve(rows)));
		});
	for (const sql of settings(options)) await all(sql);
	return {
		run: all,
		all,
		transaction: (statements) => inTransaction(all, statements),
		close: () => new Promise((resolve, reject) => database.close((error) => (error ? reject(error) : resolve()))),
	};
}

/** Statement by statement, as asynchronous libraries do it: other threads have their turn in between. */
async function inTransaction(run, statements) {
	await run("BEGIN IMMEDIATE");
	try {
		for (const [sql, ...parameters] of statements) await run(sql, ...parameters);
		await run("COMMIT");
	} catch (error) {
		await run("ROLLBACK");
		throw error;
	}
}

/** knex opens a connection whenever its pool has none to spare, and closes those that were idle for a while. */
async function openKnex(filename, { connections = 1, ...options } = {}) {
	const knex = require("knex")({
		client: "sqlite3",
		connection: { filename },
		useNullAsDefault: true,
		pool: {
			min: 0,
			max: connections,
			idleTimeoutMillis: 100,
			reapIntervalMillis: 50,
			afterCreate(connection, done) {
				connection.exec(settings(options).join(";"), (error) => done(error, connection));
			},
		},
	});
	const all = (sql, ...parameters) => knex.raw(sql, parameters);
	return {
		run: all,
		all,
		transaction: (statements) =>
			knex.transaction(async (transaction) => {
				for (const [sql, ...parameters] of statements) await transaction.raw(sql, parameters);
			}),
		close: () => knex.destroy(),
	};
}

async function openBetterSqlite3(filename, options) {
	const Database = require("better-sqlite3");
	return synchronousConnection(new Database(filename), options);
}

async function openNodeSqlite(filename, options) {
	const { DatabaseSync } = require("node:sqlite");
	return synchronousConnection(new DatabaseSync(filename), options);
}

function synchronousConnection(database, options) {
	const run = (sql, ...parameters) => database.prepare(sql).run(...parameters);
	for (const sql of settings(options)) database.exec(sql);
	return {
		run: async (...statement) => run(...statement),
		all: async (sql, ...parameters) => database.prepare(sql).all(...parameters),
		async transaction(statements) {
			database.exec("BEGIN IMMEDIATE");
			try {
				for (const statement of statements) run(...statement);
				database.exec("COMMIT");
			} catch (error) {
				database.exec("ROLLBACK");
				throw error;
			}
		},
		close: async () => database.close(),
	};
}

/** By name: how to open a file with it. */
export const libraries = {
	sqlite3: openSqlite3,
	knex: openKnex,
	"better-sqlite3": openBetterSqlite3,
	"node:sqlite": openNodeSqlite,
};

/** Tells SQLite's "busy" error, of any library or of rootcellar. */
export function isBusy(error) {
	// node:sqlite has SQLite's number and text, which the others put into the code.
	return /^SQLITE_BUSY/.test(error.code) || (error.errcode & 0xff) === 5;
}
