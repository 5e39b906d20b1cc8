"use strict";

const { absolute, backupOf, checkBackupOptions } = require("../backup-options.js");
const { loadBinding } = require("../binding.js");
const { locationFromEnvironment, locationFromOption } = require("../config.js");
const { openDataStore } = require("../data-store.js");
const { RootcellarError } = require("../errors.js");

/**
 * @typedef {{ file?: string, url?: string, json?: boolean }} Options
 */

/**
 * The file and the destination that a command is about.
 *
 * @param {Options} options
 */
function locate({ file, url }) {
	const location = file === undefined ? locationFromEnvironment(process.env) : locationFromOption(file);
	const options = checkBackupOptions(url === undefined ? undefined : { url });
	const backup = backupOf(location.path, options, process.env, file === undefined);
	if (backup === undefined) {
		throw new RootcellarError("ERR_BACKUP_OFF", "ROOTCELLAR_BACKUP turns backups off; name a destination with --url");
	}
	return { path: location.path, url: absolute(backup.native.url) };
}

/**
 * Opens the store that a command is about, for as long as `use` takes.
 *
 * @template T
 * @param {Options} options
 * @param {(store: import("../..").DataStore) => Promise<T>} use
 * @param {false | import("../..").BackupOptions} [backup]
 */
async function withStore(options, use, backup) {
	const { path, url } = locate(options);
	const store = openDataStore({ filename: path, backup: backup ?? { url } });
	try {
		return await use(store);
	} finally {
		await store.close();
	}
}

/** The native addon. */
const native = loadBinding;

module.exports = { locate, native, withStore };
