"use strict";

const path = require("node:path");

const { checkOptionNames } = require("./base/arguments.js");
const { backupOf, checkBackupOptions } = require("./config/backup.js");
const { BackupNotices } = require("./api/backup-notices.js");
const { createBackups } = require("./api/backups.js");
const { followLinks, locationFromEnvironment, locationFromOption } = require("./config/location.js");
const { invalidArgument } = require("./base/errors.js");
const { createKeyValueStore } = require("./api/key-value-store.js");
const { createKv } = require("./api/kv/kv.js");
const { CACHE_BYTES_DEFAULT } = require("./base/limits.js");
const { kindOf } = require("./base/json.js");
const { LazyConnection } = require("./native/lazy-connection.js");
const { OperationQueue } = require("./queue/queue.js");
const { createStoreSqlite } = require("./api/transaction.js");

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
	/** @type {Location | undefined} */
	let location;
	const located = () => {
		if (location === undefined) {
			const found = locate();
			location = { ...found, backup: found.kind === "memory" ? undefined : backup(found.path) };
		}
		return location;
	};
	const queue = new OperationQueue(new LazyConnection(located, notices), cacheBytes);
	return {
		appData: createKeyValueStore(queue),
		kv: createKv(queue),
		backups: createBackups(queue, located, notices),
		sqlite: createStoreSqlite(queue),
		get config() {
			return { databaseType: /** @type {const} */ ("sqlite3"), sqlite3: { filename: nameNow(located()) } };
		},
		close: () => queue.close(),
		[Symbol.asyncDispose]: () => queue.close(),
	};
}

/**
 * The name of a store's file as it was configured, unless that would name another file by now.
 *
 * @param {Location} location
 */
function nameNow({ filename, path: file, kind }) {
	return kind !== "memory" && followLinks(path.resolve(filename)) === file ? filename : file;
}

/**
 * Opens a store.
 *
 * @param {any} options
 * @param {string | undefined} folder the working directory of the call, if there was one
 * @returns {DataStore}
 */
function openStore(options, folder) {
	if (typeof options !== "object" || options === null) {
		throw invalidArgument("options", `must be an object, not ${kindOf(options)}`);
	}
	checkOptionNames(options, OPTIONS, "options");
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
 * @param {Location} location
 * @param {boolean} readOnly
 * @returns {Location}
 */
function toRead(location, readOnly) {
	if (readOnly && location.kind === "memory") {
		throw invalidArgument("options.readOnly", "must not be true for :memory:, which begins empty");
	}
	return readOnly ? { ...location, kind: "readOnly" } : location;
}

module.exports = { openStore };
