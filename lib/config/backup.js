"use strict";

const path = require("node:path");
const { checkDuration, checkOptionNames } = require("../base/arguments.js");
const { RootcellarError, invalidArgument } = require("../base/errors.js");
const { kindOf } = require("../base/json.js");
const { DURATION_MS_MAX, INTERVAL_MS_MIN } = require("../base/limits.js");

/**
 * @typedef {import("../..").BackupOptions} BackupOptions
 * @typedef {"beforeBackup" | "afterBackup" | "beforeRestore" | "afterRestore"} HookName
 */

/**
 * How backups are made, checked: where they go, as an absolute path or a URL, and the rest as the native addon has it.
 *
 * @typedef {object} Backup
 * @property {import("../native/addon").BackupOptions} native
 * @property {{ [name in HookName]?: (info?: any) => unknown }} hooks
 * @property {boolean} quiet
 * @property {string} source who named the destination
 */

/** @type {HookName[]} */
const HOOKS = ["beforeBackup", "afterBackup", "beforeRestore", "afterRestore"];

const OPTIONS = ["url", "intervalMs", "retentionMs", "shutdownTimeoutMs", "quiet", ...HOOKS];

/** What turns backups off, in `ROOTCELLAR_BACKUP`, in capital or small letters. */
const OFF = "off";

/** What somebody may mean the same with, and who means a folder can call it `./false`. */
const NOT_OFF = ["false", "0", "no", "none", "disabled"];

/**
 * The options of a store, as the caller gave them: checked at once, and completed when its file is known.
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
	checkOptionNames(given, OPTIONS, "options.backup");
	const { url, intervalMs, retentionMs, shutdownTimeoutMs, quiet, ...hooks } = /** @type {any} */ (given);
	if (url !== undefined && (typeof url !== "string" || url === "" || url.includes("\0"))) {
		throw invalidArgument("options.backup.url", "must be the path of a folder or a URL");
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
 * How a store's backups are made; `undefined` if none are. A destination in the environment is that of the store that
 * the environment configures: two files must not share one. `off` is for every store that names none.
 *
 * @param {string} file its absolute path
 * @param {false | BackupOptions | undefined} options
 * @param {NodeJS.ProcessEnv} env
 * @param {boolean} isFromEnvironment
 * @returns {Backup | undefined}
 */
function backupOf(file, options, env, isFromEnvironment) {
	if (options === false) {
		return undefined;
	}
	const { url, intervalMs, retentionMs, shutdownTimeoutMs, quiet = false } = options ?? {};
	const configured = url === undefined ? env.ROOTCELLAR_BACKUP || undefined : undefined;
	if (configured !== undefined && isOff(configured)) {
		return undefined;
	}
	const fromEnvironment = isFromEnvironment ? configured : undefined;
	/** @type {Backup["hooks"]} */
	const hooks = {};
	for (const name of HOOKS) {
		const hook = options?.[name];
		if (hook) hooks[name] = hook;
	}
	const names = /** @type {HookName[]} */ (Object.keys(hooks));
	const address = absolute(url ?? fromEnvironment ?? `${file}.backup`);
	const source = url === undefined ? "ROOTCELLAR_BACKUP" : "options.backup.url";
	return { native: { url: address, intervalMs, retentionMs, shutdownTimeoutMs, hooks: names }, hooks, quiet, source };
}

/**
 * Whether `ROOTCELLAR_BACKUP` turns backups off. Refuses what looks as if it should, and would be a folder.
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

/** What the core calls a destination that is not named as it has to be. */
const DESTINATION = "the destination of backups";

/**
 * A failure in the core that says that the destination is not named as it has to be, with who named it.
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

/**
 * @param {string} address a path or a URL
 */
function absolute(address) {
	return /^(file:|[a-z][a-z0-9+.-]+:\/\/)/i.test(address) ? address : path.resolve(address);
}

/**
 * A destination as it may be shown: without credentials, and without what follows a question mark.
 *
 * @param {string} address an absolute path or a URL
 */
function withoutSecrets(address) {
	return address.replace(/^([a-z][a-z0-9+.-]+:\/\/)([^/?]*@)?([^?]*).*$/is, "$1$3");
}

module.exports = { DESTINATION, absolute, backupOf, checkBackupOptions, namingSource, withoutSecrets };
