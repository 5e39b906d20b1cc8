"use strict";

const path = require("node:path");

const { checkOptionsObject } = require("./base/arguments.js");
const { backupOf, checkBackupOptions } = require("./config/backup.js");
const { BackupNotices } = require("./api/backup/backup-notices.js");
const { createBackups } = require("./api/backup/backups.js");
const { locationFromEnvironment, locationFromOption } = require("./config/location.js");
const { followLinks } = require("./config/paths.js");
const { invalidArgument } = require("./base/errors.js");
const { createKeyValueStore } = require("./api/key-value-store.js");
const { createKv } = require("./api/kv/kv.js");
const { CACHE_BYTES_DEFAULT } = require("./base/limits.js");
const { kindOf } = require("./base/json.js");
const { LazyConnection } = require("./native/lazy-connection.js");
const { atFirstUse } = require("./base/at-first-use.js");
const { OperationQueue } = require("./queue/queue.js");
const { createStoreSqlite, transaction } = require("./api/transaction.js");
const { workingDirectory } = require("./base/working-directory.js");

/** Loaded at first use: a store on a file does not need it. */
const notOnPostgres = atFirstUse(() => require("./api/not-on-postgres.js"));

/**
 * @typedef {import("..").DataStore} DataStore
 * @typedef {import("./config/location.js").Location} Location
 */

const OPTIONS = ["filename", "backup", "cacheBytes", "readOnly"];

/**
 * @param {() => Location} locate called when the location is first needed, and not again once it has returned
 * @param {number} cacheBytes
 * @param {(path: string) => import("./config/backup.js").BackupConfig | undefined} backup
 * @returns {DataStore}
 */
function createDataStore(locate, cacheBytes, backup) {
	const notices = new BackupNotices();
	const file = once(locate);
	const located = once(() => {
		const location = file();
		const hasNone = location.kind === "memory" || location.kind === "postgres";
		return { ...location, backup: hasNone ? undefined : backup(location.path) };
	});
	const queue = new OperationQueue(new LazyConnection(located, notices), cacheBytes);
	const backups = createBackups(queue, located, notices);
	const sqlite = createStoreSqlite(queue);
	return {
		appData: createKeyValueStore(queue),
		kv: createKv(queue),
		// A bot may still change its configuration when it has only taken the store.
		get backups() {
			return queue.connection.isOnPostgres ? notOnPostgres().refusedBackups : backups;
		},
		get sqlite() {
			return queue.connection.isOnPostgres ? notOnPostgres().refusedSqlite : sqlite;
		},
		transaction: (callback, options) => transaction(queue, callback, options),
		get config() {
			return configOf(file);
		},
		close: () => queue.close(),
		[Symbol.asyncDispose]: () => queue.close(),
	};
}

/**
 * A function whose first result is that of every call. What it throws is not kept.
 *
 * @template T
 * @param {() => T} make
 * @returns {() => T}
 */
function once(make) {
	/** @type {{ value: T } | undefined} */
	let made;
	return () => {
		made ??= { value: make() };
		return made.value;
	};
}

/**
 * Configuration for the bot, its `config`. If it cannot be used, the first operation fails, and so does asking for the file
 * that it does not name.
 *
 * @param {() => Location} file
 */
function configOf(file) {
	/** @typedef {DataStore["config"]} Config */
	const databaseType = /** @type {const} */ ("sqlite3");
	try {
		const location = file();
		if (location.postgres) {
			const config = { databaseType: "pg", pg: { ...location.postgres.sdk } };
			return /** @type {Config} */ (/** @type {unknown} */ (config));
		}
		return /** @type {Config} */ ({ databaseType, sqlite3: { filename: nameNow(location) } });
	} catch {
		const sqlite3 = { get: () => ({ filename: nameNow(file()) }) };
		return /** @type {Config} */ (Object.defineProperty({ databaseType }, "sqlite3", sqlite3));
	}
}

/**
 * The name of a store's file as it was configured, unless that would name another file by now.
 *
 * @param {Location} location
 */
function nameNow({ filename, path: file, kind }) {
	const isReachable = path.isAbsolute(filename) || workingDirectory() !== undefined;
	return kind !== "memory" && isReachable && followLinks(path.resolve(filename)) === file ? filename : file;
}

/**
 * Opens a store.
 *
 * @param {any} options
 * @param {string | undefined} folder the working directory of the call, if there was one
 * @returns {DataStore}
 */
function openStore(options, folder) {
	checkOptionsObject(options, OPTIONS, "options");
	const { filename, backup, cacheBytes = CACHE_BYTES_DEFAULT, readOnly = false } = options;
	const backupOptions = checkBackupOptions(backup);
	if (!Number.isSafeInteger(cacheBytes) || cacheBytes < 0) {
		throw invalidArgument(
			"options.cacheBytes",
			"must be a number of bytes: an integer from 0, which turns the cache off",
		);
	}
	if (typeof readOnly !== "boolean") {
		throw invalidArgument("options.readOnly", `must be a boolean, not ${kindOf(readOnly)}`);
	}
	if (filename === undefined) {
		const locate = () => toRead(locationFromEnvironment(process.env, folder), readOnly);
		return createDataStore(locate, cacheBytes, (path) => backupOf(path, backupOptions, process.env, true, folder));
	}
	const location = toRead(locationFromOption(filename, folder), readOnly);
	if (location.kind === "memory" && backupOptions) {
		throw invalidArgument("options.backup", "must not be given for :memory:, which has no backups");
	}
	const backupFor = (/** @type {string} */ path) => backupOf(path, backupOptions, process.env, false, folder);
	return createDataStore(() => location, cacheBytes, backupFor);
}

/**
 * Opens the database of another program to read only, whatever is in it. Only its SQL is of use.
 *
 * @param {string} file
 * @returns {DataStore}
 */
function openForeign(file) {
	const location = { filename: file, path: followLinks(file), source: "of another program", kind: "foreign" };
	return createDataStore(
		() => /** @type {Location} */ (location),
		0,
		() => undefined,
	);
}

/**
 * @param {Location} location
 * @param {boolean} readOnly
 * @returns {Location}
 */
function toRead(location, readOnly) {
	if (readOnly && location.kind === "memory") {
		throw invalidArgument("options.readOnly", "must not be true for :memory:, which begins empty");
	}
	if (readOnly && location.kind === "postgres") {
		throw invalidArgument(
			"options.readOnly",
			"must not be true on PostgreSQL, where a role without rights does the same",
		);
	}
	return readOnly ? { ...location, kind: "readOnly" } : location;
}

module.exports = { openForeign, openStore };
