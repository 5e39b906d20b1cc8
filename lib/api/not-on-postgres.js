"use strict";

const { RootcellarError } = require("../base/errors.js");

const METHODS = ["run", "get", "all", "sql", "exec", "batch", "prepare"];
const OF_STORE = ["transaction", "reserve", "migrate"];

const BACKUPS = ["create", "list", "restore", "restoreKeys", "verify"];

const INSTEAD_OF_SQLITE =
	"dataStore.sqlite is for a file of SQLite, and this store is on PostgreSQL; use dataStore.transaction with tx.query, or " +
	"Knex, Kysely, Drizzle or pg on dataStore.config";
const INSTEAD_OF_BACKUPS =
	"dataStore.backups is for a file of SQLite, and this store is on PostgreSQL; back the server up with its own means, such " +
	"as pg_basebackup with archived WAL, pgBackRest or your provider's backups";

/** The methods that a transaction has of `dataStore.sqlite`, too: every one rejects. */
const refusedMethods = { ...refusing(METHODS, INSTEAD_OF_SQLITE), iterate: () => refusedIterator(INSTEAD_OF_SQLITE) };

/** `dataStore.sqlite` of every store on PostgreSQL. */
const refusedSqlite = { ...refusedMethods, ...refusing(OF_STORE, INSTEAD_OF_SQLITE) };

/** `dataStore.backups` of every store on PostgreSQL: what is asynchronous rejects, and the rest throws. */
const refusedBackups = {
	...refusing(BACKUPS, INSTEAD_OF_BACKUPS),
	diff: refusedDifference,
	status: refuseBackups,
	on: refuseBackups,
};

/** An iterator over differences, whose every method rejects but those that end it. */
function refusedDifference() {
	const iterator = refusedIterator(INSTEAD_OF_BACKUPS);
	return Object.assign(iterator, refusing(["summary"], INSTEAD_OF_BACKUPS), {
		[Symbol.asyncDispose]: async () => {
			await iterator.return(undefined);
		},
	});
}

/** @returns {any} */
function refuseBackups() {
	throw notOnPostgres(INSTEAD_OF_BACKUPS);
}

/**
 * @param {string[]} names
 * @param {string} message
 * @returns {any}
 */
function refusing(names, message) {
	return Object.fromEntries(names.map((name) => [name, async () => Promise.reject(notOnPostgres(message))]));
}

/**
 * @param {string} message
 */
// biome-ignore lint/correctness/useYield: it throws where it would yield
async function* refusedIterator(message) {
	throw notOnPostgres(message);
}

/** @param {string} message */
function notOnPostgres(message) {
	return new RootcellarError("ERR_NOT_ON_POSTGRES", message);
}

module.exports = { refusedBackups, refusedMethods, refusedSqlite };
