"use strict";

const { checkDuration, checkOptionsObject } = require("../base/arguments.js");
const { RootcellarError, invalidArgument } = require("../base/errors.js");
const { kindOf } = require("../base/json.js");
const { DURATION_MS_MAX, INTERVAL_MS_MIN } = require("../base/limits.js");
const { DESTINATION_FORMS, NOT_OFF, OFF, absolute, problemWithAddress } = require("./address.js");

/**
 * @typedef {import("../..").BackupOptions} BackupOptions
 * @typedef {"beforeBackup" | "afterBackup" | "beforeRestore" | "afterRestore"} HookName
 */

/**
 * Options for the core: the destination, as an absolute path or a URL, and the names of the hooks that there are.
 *
 * @typedef {object} CoreBackupOptions
 * @property {string} url
 * @property {number} [intervalMs]
 * @property {number} [retentionMs]
 * @property {number} [shutdownTimeoutMs]
 * @property {HookName[]} hooks
 */

/**
 * Configuration of the backups of a store, checked.
 *
 * @typedef {object} BackupConfig
 * @property {CoreBackupOptions} core
 * @property {{ [name in HookName]?: (info?: any) => unknown }} hooks
 * @property {boolean} quiet
 * @property {string} source who named the destination
 */

/** @type {HookName[]} */
const HOOKS = ["beforeBackup", "afterBackup", "beforeRestore", "afterRestore"];

const OPTIONS = ["url", "intervalMs", "retentionMs", "shutdownTimeoutMs", "quiet", ...HOOKS];

/**
 * Checks the option `backup` of a store. `backupOf` completes it when the file is known.
 *
 * @param {unknown} given
 * @returns {false | BackupOptions | undefined}
 */
function checkBackupOptions(given) {
	if (given === undefined || given === false) {
		return given;
	}
	if (typeof given !== "object" || given === null) {
		throw invalidArgument("options.backup", `must be an object, or false for no backups, not ${kindOf(given)}`);
	}
	checkOptionsObject(given, OPTIONS, "options.backup");
	const { url, intervalMs, retentionMs, shutdownTimeoutMs, quiet, ...hooks } = /** @type {any} */ (given);
	if (url !== undefined && (typeof url !== "string" || url === "" || url.includes("\0"))) {
		throw invalidArgument("options.backup.url", "must be the path of a folder or a URL");
	}
	const problem = url === undefined ? undefined : problemWithAddress(url);
	if (problem !== undefined) {
		throw invalidArgument("options.backup.url", `must be ${DESTINATION_FORMS}, but ${problem}`);
	}
	checkDuration(intervalMs, "options.backup.intervalMs", { least: INTERVAL_MS_MIN, most: DURATION_MS_MAX });
	checkDuration(retentionMs, "options.backup.retentionMs", { most: DURATION_MS_MAX });
	checkDuration(shutdownTimeoutMs, "options.backup.shutdownTimeoutMs", { most: DURATION_MS_MAX });
	if (quiet !== undefined && typeof quiet !== "boolean") {
		throw invalidArgument("options.backup.quiet", `must be a boolean, not ${kindOf(quiet)}`);
	}
	for (const name of HOOKS) {
		if (hooks[name] !== undefined && typeof hooks[name] !== "function") {
			throw invalidArgument(`options.backup.${name}`, `must be a function, not ${kindOf(hooks[name])}`);
		}
	}
	return { .../** @type {BackupOptions} */ (given) };
}

/**
 * Configuration of the backups of a store; `undefined` if they are off. A destination in the environment is for the store
 * that the environment configures, as two files must not share one. `off` is for every store that names no destination.
 *
 * @param {string} file its absolute path
 * @param {false | BackupOptions | undefined} options
 * @param {NodeJS.ProcessEnv} env
 * @param {boolean} isFromEnvironment
 * @param {string} [folder] what a relative path starts from: the working directory by default
 * @returns {BackupConfig | undefined}
 */
function backupOf(file, options, env, isFromEnvironment, folder) {
	if (options === false) {
		return undefined;
	}
	const { url, intervalMs, retentionMs, shutdownTimeoutMs, quiet = false } = options ?? {};
	const configured = url === undefined ? env.ROOTCELLAR_BACKUP || undefined : undefined;
	if (configured !== undefined && isOff(configured)) {
		return undefined;
	}
	const fromEnvironment = isFromEnvironment ? configured : undefined;
	const problem = fromEnvironment === undefined ? undefined : problemWithAddress(fromEnvironment);
	if (problem !== undefined) {
		const expected = `expected ${DESTINATION_FORMS}`;
		throw new RootcellarError("ERR_INVALID_CONFIG", `ROOTCELLAR_BACKUP cannot be used: ${problem}; ${expected}`);
	}
	/** @type {BackupConfig["hooks"]} */
	const hooks = {};
	for (const name of HOOKS) {
		const hook = options?.[name];
		if (hook) hooks[name] = hook;
	}
	const names = /** @type {HookName[]} */ (Object.keys(hooks));
	const address = absolute(url ?? fromEnvironment ?? `${file}.backup`, folder);
	const source = url === undefined ? "ROOTCELLAR_BACKUP" : "options.backup.url";
	return { core: { url: address, intervalMs, retentionMs, shutdownTimeoutMs, hooks: names }, hooks, quiet, source };
}

/**
 * True if `ROOTCELLAR_BACKUP` turns backups off. Refuses values that look as if they should, and would name a folder.
 *
 * @param {string} configured
 */
function isOff(configured) {
	const word = configured.trim().toLowerCase();
	if (NOT_OFF.includes(word)) {
		const problem = `it is ${word}; expected off for no backups, or the path of a folder or a URL`;
		throw new RootcellarError("ERR_INVALID_CONFIG", `ROOTCELLAR_BACKUP cannot be used: ${problem}`);
	}
	return word === OFF;
}

/** The destination, in the core's messages about one whose name cannot be used. */
const DESTINATION = "the destination of backups";

/**
 * Puts into a failure about the name of the destination who named it.
 *
 * @template {{ code: string, message: string }} Failure
 * @param {Failure} failure
 * @param {string} source
 * @returns {Failure}
 */
function namingSource(failure, source) {
	if (failure.code !== "ERR_INVALID_CONFIG") return failure;
	return { ...failure, message: failure.message.replace(DESTINATION, source) };
}

module.exports = { DESTINATION, backupOf, checkBackupOptions, namingSource };
