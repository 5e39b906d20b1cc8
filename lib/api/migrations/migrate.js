"use strict";

const { RootcellarError } = require("../../base/errors.js");
const { IDLE_LIMIT_MS } = require("../../base/limits.js");
const { LEASE_IMMEDIATE } = require("../../native/protocol.js");
const { CANCEL_OPTIONS, checkCancel, checkOptions } = require("../cancellation.js");
const { withLease } = require("../lease.js");
const { migrationError, readMigrations } = require("./migration-files.js");
const { ALL } = require("../statement.js");
const { createSqlite } = require("../sqlite.js");
const { checkReferences, internal, referenceProblems, switchForeignKeys } = require("./foreign-keys.js");

/**
 * @typedef {InstanceType<typeof import("../../queue/queue.js").OperationQueue>} OperationQueue
 * @typedef {import("./migration-files.js").Migration} Migration
 * @typedef {{ number: number, name: string, hash: string }} Applied
 */

const TABLE = `CREATE TABLE IF NOT EXISTS __rootcellar_migrations (
	number INTEGER PRIMARY KEY, name TEXT NOT NULL, hash TEXT NOT NULL, applied_at INTEGER NOT NULL)`;
const READ_APPLIED = "SELECT number, name, hash FROM __rootcellar_migrations ORDER BY number";
const RECORD = "INSERT INTO __rootcellar_migrations (number, name, hash, applied_at) VALUES (?, ?, ?, ?)";

/**
 * Applies the migrations that the file has not seen, each in a transaction of its own.
 *
 * @param {OperationQueue} queue
 * @param {unknown} source
 * @param {unknown} options
 * @returns {Promise<string[]>} the names of those that were applied
 */
async function migrate(queue, source, options) {
	const given = checkOptions(options, CANCEL_OPTIONS);
	const migrations = await readMigrations(source);
	/** @type {string[]} */
	const applied = [];
	// Each transaction looks again: another process may apply them, too.
	for (let isDone = false; !isDone; ) {
		const cancel = checkCancel(given);
		const leaseOptions = { kind: LEASE_IMMEDIATE, idleLimitMs: IDLE_LIMIT_MS, cancel, isScoped: true };
		const next = await withLease(queue, leaseOptions, (inner) => applyNext(inner, migrations));
		if (next) {
			applied.push(next.file);
		}
		isDone = next === undefined;
	}
	return applied;
}

/**
 * Applies the first migration that was not yet applied.
 *
 * @param {OperationQueue} queue
 * @param {Migration[]} migrations
 * @returns {Promise<Migration | undefined>}
 */
async function applyNext(queue, migrations) {
	await internal(queue, TABLE);
	const applied = /** @type {Applied[]} */ (await internal(queue, READ_APPLIED, [], ALL));
	const next = nextOf(migrations, applied);
	if (next === undefined) {
		return undefined;
	}
	const before = await referenceProblems(queue);
	// Rebuilding a table drops it, and with foreign keys on the rows that refer to its rows would go, too.
	await switchForeignKeys(queue, false);
	try {
		await createSqlite(queue).exec(next.sql);
		checkReferences(before, await referenceProblems(queue), "it");
	} catch (error) {
		throw inFile(next.file, error);
	}
	await switchForeignKeys(queue, true);
	await internal(queue, RECORD, [next.number, next.name, next.hash, Date.now()]);
	return next;
}

/**
 * The first migration that was not applied, if all before it were, and are unchanged since.
 *
 * @param {Migration[]} migrations
 * @param {Applied[]} applied
 * @returns {Migration | undefined}
 */
function nextOf(migrations, applied) {
	const given = new Map(migrations.map((migration) => [migration.number, migration]));
	for (const { number, name, hash } of applied) {
		const migration = given.get(number);
		if (migration === undefined) {
			throw migrationError(`number ${number} (${name}) was applied to this file, and is missing now`);
		}
		if (migration.name !== name) {
			throw migrationError(`number ${number} was ${name} when it was applied, and is ${migration.file} now`);
		}
		if (migration.hash !== hash) {
			throw migrationError(`${migration.file} was changed since it was applied; write a new one instead`);
		}
	}
	const seen = new Set(applied.map(({ number }) => number));
	const last = applied.at(-1);
	const next = migrations.find(({ number }) => !seen.has(number));
	if (next && last && next.number < last.number) {
		throw migrationError(
			`${next.file} comes before number ${last.number}, which was applied already; give it a higher one`,
		);
	}
	return next;
}

/**
 * @param {string} file
 * @param {any} error
 */
function inFile(file, error) {
	const code = typeof error?.code === "string" ? error.code : "ERR_MIGRATION";
	const failure = new RootcellarError(code, `the migration ${file} failed: ${error?.message}`, { cause: error });
	return typeof error?.position === "number" ? Object.assign(failure, { position: error.position }) : failure;
}

module.exports = { migrate };
