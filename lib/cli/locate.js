"use strict";

const path = require("node:path");
const { absolute, withoutSecrets } = require("../config/address.js");
const { backupOf, checkBackupOptions } = require("../config/backup.js");
const { locationFromEnvironment, locationFromOption } = require("../config/location.js");
const { wouldReplaceOpenFile } = require("../native/destination.js");
const { openDataStore } = require("../data-store.js");
const { RootcellarError } = require("../base/errors.js");
const { isDatabase, statOf, storeAt } = require("./files.js");

/** Reason for having no backups, and what names a destination all the same. */
const BACKUPS_OFF = "ROOTCELLAR_BACKUP turns backups off; name a destination with --url";

/**
 * Options of every command: the file, the destination, and whether JSON is wanted.
 *
 * @typedef {{ file?: string, url?: string, json?: boolean }} CommandOptions
 */

/**
 * The file of a command.
 *
 * @param {CommandOptions} options
 */
function locateFile({ file }) {
	const location = file === undefined ? locationFromEnvironment(process.env) : locationFromOption(file);
	if (location.postgres !== undefined) {
		throw new RootcellarError(
			"ERR_NOT_ON_POSTGRES",
			"this command is about a file of SQLite, and DATABASE_CONFIG names a database on PostgreSQL: name a file with --file, " +
				"or use what the server has for its own backups",
		);
	}
	if (location.kind === "memory") {
		throw new RootcellarError(
			"ERR_INVALID_CONFIG",
			`${location.filename} (${location.source}) is no file that a command could use`,
		);
	}
	return location.path;
}

/**
 * The file, and the destination of its backups; no `url` if they are turned off.
 *
 * @param {CommandOptions} options
 */
function locateBoth({ file, url }) {
	const found = locateFile({ file });
	const options = checkBackupOptions(url === undefined ? undefined : { url });
	const backup = backupOf(found, options, process.env, file === undefined || isConfigured(found));
	return { file: found, url: backup === undefined ? undefined : absolute(backup.core.url) };
}

/**
 * Place of a store of either engine.
 *
 * @typedef {import("../config/postgres/postgres.js").PostgresConfig} PostgresConfig
 * @typedef {{ postgres: PostgresConfig, file?: undefined, url?: undefined }} ServerPlace
 * @typedef {{ file: string, url?: string, postgres?: undefined }} FilePlace
 */

/**
 * The place of a command that is about keys, wherever they are.
 *
 * @param {CommandOptions} options
 * @returns {ServerPlace | FilePlace}
 */
function locateKeys(options) {
	const postgres = options.file === undefined ? locationFromEnvironment(process.env).postgres : undefined;
	return postgres === undefined ? locateBoth(options) : { postgres };
}

/**
 * The file of a command, and the destination of its backups.
 *
 * @param {CommandOptions} options
 */
function locate(options) {
	const { file, url } = locateBoth(options);
	if (url === undefined) {
		throw new RootcellarError("ERR_BACKUP_OFF", BACKUPS_OFF);
	}
	return { file, url };
}

/**
 * True if `DATABASE_CONFIG` names a file, so that `ROOTCELLAR_BACKUP` is meant for it.
 *
 * @param {string} file
 */
function isConfigured(file) {
	try {
		return locationFromEnvironment(process.env).path === file;
	} catch {
		// A configuration that cannot be used names no file.
		return false;
	}
}

/**
 * The store's file, which must exist.
 *
 * @param {string} file
 * @param {string} purpose
 */
function existing(file, purpose) {
	const found = storeAt(file);
	if (found === undefined) {
		const hint = "rootcellar restore brings it back if there are backups";
		throw new RootcellarError("ERR_NOT_FOUND", `there is no ${file} to ${purpose}; ${hint}`);
	}
	return found;
}

/**
 * Refuses a store of which there is nothing, neither its file nor a backup: its name is mistyped, or a disk is missing. So is a
 * file that is no store's; and a folder of backups that is named, and is not there.
 *
 * @param {{ file: string, url?: string }} place where no backup was found, or whose backups are turned off
 * @param {boolean} [isNamed] the destination was named, and the file perhaps not
 */
function refuseNothing({ file, url }, isNamed = false) {
	if (isNamed && url !== undefined) {
		if (path.isAbsolute(url) && statOf(url) === undefined) {
			throw new RootcellarError("ERR_NOT_FOUND", `there is no folder ${url}, and so there are no backups in it`);
		}
		return;
	}
	const found = storeAt(file);
	if (found === undefined) {
		const none = url === undefined ? BACKUPS_OFF : `there are no backups in ${withoutSecrets(url)}`;
		throw new RootcellarError("ERR_NOT_FOUND", `there is no ${file}, and ${none}`);
	}
	// A store that nothing was written to is empty.
	if (found.size > 0n && !isDatabase(file)) {
		throw new RootcellarError("SQLITE_NOTADB", `${file} is not a database; expected the file of a store`);
	}
}

/**
 * Opens a store for as long as `use` takes, with its backups unless there is no `url`.
 *
 * @template T
 * @param {{ file: string, url?: string }} place
 * @param {(store: import("../..").DataStore) => Promise<T>} use
 * @returns {Promise<T>}
 */
async function withStore(place, use) {
	const store = await openWithBackups(place);
	try {
		return await use(store);
	} finally {
		await store.close();
	}
}

/**
 * Opens a store, with its backups unless there is no `url`.
 *
 * @param {{ file: string, url?: string }} place
 */
async function openWithBackups({ file, url }) {
	if (url !== undefined) await refuseOldCopyInUse(file, url);
	const store = openDataStore({ filename: file, backup: url === undefined ? false : { url } });
	// The command reports failures, so that no warning is needed.
	store.backups.on("failure", () => {});
	return store;
}

/**
 * Opens a store to read only, for as long as `use` takes.
 *
 * @template T
 * @param {string} file
 * @param {(store: import("../..").DataStore) => Promise<T>} use
 * @returns {Promise<T>}
 */
async function withReader(file, use) {
	const store = openDataStore({ filename: file, readOnly: true, backup: false });
	try {
		return await use(store);
	} finally {
		await store.close();
	}
}

/**
 * Refuses an old copy that another process has open: opening it restores it, which would replace the file there.
 *
 * @param {string} file
 * @param {string} url
 */
async function refuseOldCopyInUse(file, url) {
	if (await wouldReplaceOpenFile(url, file)) {
		throw new RootcellarError(
			"ERR_FILE_IN_USE",
			`${file} is an old copy, which lacks newer backups, and another process has it open; end that process first`,
		);
	}
}

module.exports = {
	BACKUPS_OFF,
	existing,
	locate,
	locateBoth,
	locateFile,
	locateKeys,
	openWithBackups,
	refuseNothing,
	refuseOldCopyInUse,
	withReader,
	withStore,
};
