"use strict";

const os = require("node:os");
const path = require("node:path");
const { isDate } = require("node:util/types");
const { checkOptionsObject } = require("../../base/arguments.js");
const { RootcellarError, invalidArgument } = require("../../base/errors.js");
const { kindOf } = require("../../base/json.js");
const { withoutSecrets } = require("../../config/address.js");
const { problemWithName } = require("../../config/paths.js");
const { listBackups, restoreBackup, verifyBackups } = require("../../native/destination.js");
const { readOptions } = require("../../base/kv-arguments.js");
const { cancellable } = require("../cancellation.js");
const { EVENTS } = require("./backup-notices.js");
const { createDifference } = require("./difference.js");
const { restoreKeys } = require("./restore-keys.js");

/**
 * @typedef {import("../../..").BackupStatus} BackupStatus
 * @typedef {import("../../..").Backups} Backups
 * @typedef {import("../../..").Restore} Restore
 * @typedef {import("../../config/location.js").Location} Location
 * @typedef {import("../../native/connection.js").OpenConnection} OpenConnection
 * @typedef {InstanceType<typeof import("../../queue/queue.js").OperationQueue>} OperationQueue
 * @typedef {InstanceType<typeof import("./backup-notices.js").BackupNotices>} BackupNotices
 */

/** The options of a restore. */
const RESTORE_OPTIONS = ["at", "id", "to", "overwrite", "signal"];

/** The options of a trial restore. */
const VERIFY_OPTIONS = ["signal"];

/**
 * @param {any} options
 */
function checkRestore(options) {
	checkOptionsObject(options, RESTORE_OPTIONS, "options");
	const { at, id, to, overwrite = false, signal } = options;
	if (at !== undefined && id !== undefined) {
		throw invalidArgument("options.id", "must be left out where `at` is given");
	}
	if (id !== undefined && typeof id !== "string") {
		throw invalidArgument("options.id", `must be a string, not ${kindOf(id)}`);
	}
	const atMs = isDate(at) ? Date.prototype.getTime.call(at) : at;
	if (atMs !== undefined && !(typeof atMs === "number" && Number.isFinite(atMs))) {
		throw invalidArgument("options.at", "must be a valid Date or milliseconds since 1970");
	}
	if (to !== undefined && (typeof to !== "string" || to === "" || to.includes("\0"))) {
		throw invalidArgument("options.to", "must be the path of a file");
	}
	const problem = to === undefined ? undefined : problemWithName(to);
	if (problem !== undefined) {
		throw invalidArgument("options.to", problem);
	}
	if (typeof overwrite !== "boolean") {
		throw invalidArgument("options.overwrite", `must be a boolean, not ${kindOf(overwrite)}`);
	}
	return { target: { id, atMs }, to: to === undefined ? undefined : path.resolve(to), overwrite, signal };
}

/**
 * @param {OperationQueue} queue
 * @param {() => Location} located
 * @param {BackupNotices} notices
 * @returns {Backups}
 */
function createBackups(queue, located, notices) {
	/** @returns {{ url: string, source: string, store: string }} */
	const destination = () => {
		const { backup, kind, path: store } = located();
		if (backup === undefined) {
			const reason = kind === "memory" ? "it is in memory" : "they were turned off";
			throw new RootcellarError("ERR_BACKUP_OFF", `this store makes no backups: ${reason}`);
		}
		return { url: backup.core.url, source: backup.source, store };
	};

	const progress = (/** @type {number} */ doneBytes, /** @type {number} */ totalBytes) =>
		notices.emit("progress", { doneBytes, totalBytes });

	/** Restores the store itself. Operations issued before come before, and those issued later after. */
	const restoreHere = (
		/** @type {import("../../native/addon").RestoreTarget} */ target,
		/** @type {import("../../native/addon").NativeCancel} */ cancel,
	) =>
		new Promise((/** @type {(restore: Restore) => void} */ resolve, reject) => {
			queue.checkWritable();
			destination();
			queue.replaceAll((done) => {
				queue.connection.opened.restore(target, cancel, (error, restored) => {
					if (restored) {
						resolve(restored);
					} else {
						reject(error);
					}
					done();
				});
			}, reject);
		});

	/** Folders for what is restored to be read: beside the store, or where the system has temporary files. */
	const folders = () => [path.dirname(located().path), os.tmpdir()];

	/** Resolves when everything that was issued before is in the file. */
	const settled = () =>
		new Promise((/** @type {(value?: undefined) => void} */ resolve, reject) => {
			queue.snapshot(() => {
				resolve();
				return true;
			}, reject);
		});

	return {
		create: () =>
			new Promise((resolve, reject) => {
				queue.checkWrite();
				queue.checkWritable();
				destination();
				const run = () => {
					queue.connection.opened.backUp((error, backup) => (backup ? resolve(backup) : reject(error)));
					return true;
				};
				queue.fence(run, reject);
			}),
		list: async () => listBackups(destination()),
		restore: async (given = {}) => {
			const { target, to, overwrite, signal } = checkRestore(given);
			if (to === undefined) {
				return cancellable({ signal }, (cancel) => restoreHere(target, cancel));
			}
			if (to === located().path) {
				throw invalidArgument("options.to", "must be another file than the store's own, which is restored without it");
			}
			const output = { file: to, overwrite };
			return cancellable({ signal }, (cancel) => restoreBackup(destination(), target, output, progress, cancel));
		},
		diff: (options) =>
			createDifference(options, () => ({
				destination: destination(),
				file: located().path,
				folders: folders(),
				settled,
			})),
		restoreKeys: async (options) =>
			restoreKeys(queue, () => ({ destination: destination(), folders: folders() }), options),
		verify: async (given = {}) => {
			const { signal } = readOptions(given, "options", VERIFY_OPTIONS);
			const folder = path.dirname(located().path);
			return cancellable({ signal }, (cancel) => verifyBackups(destination(), folder, progress, cancel));
		},
		status: () => statusOf(located(), queue.connection.current, notices.lastFailure),
		on: (event, listener) => {
			const listeners = notices.listeners.get(event);
			if (listeners === undefined) {
				throw invalidArgument("event", `must be one of ${EVENTS.join(", ")}`);
			}
			if (typeof listener !== "function") {
				throw invalidArgument("listener", `must be a function, not ${kindOf(listener)}`);
			}
			listeners.add(listener);
			return () => {
				listeners.delete(listener);
			};
		},
	};
}

/**
 * @param {Location} location
 * @param {OpenConnection | undefined} connection
 * @param {BackupStatus["lastError"]} lastFailure
 * @returns {BackupStatus}
 */
function statusOf({ backup, kind }, connection, lastFailure) {
	const log = { logBytes: connection?.logBytes(), strayLog: connection?.strayLog() };
	const nothing = { lagMs: 0, lastBackupAt: undefined, lastError: undefined, position: undefined, ...log };
	if (backup === undefined || kind === "readOnly") {
		return { state: "off", destination: undefined, ...nothing };
	}
	const status = connection?.backupStatus();
	if (!status && connection && lastFailure) {
		// Open without backups, because what they need beside the file cannot be used.
		return { state: "failing", destination: withoutSecrets(backup.core.url), ...nothing, lastError: lastFailure };
	}
	if (!status) {
		return { state: "closed", destination: withoutSecrets(backup.core.url), ...nothing };
	}
	const { destination, phase, lagMs, lastBackupMs, lastError, lastErrorMs, position } = status;
	return {
		state: phase,
		destination,
		lagMs,
		lastBackupAt: lastBackupMs === undefined ? undefined : new Date(lastBackupMs),
		lastError: lastError && { ...lastError, at: new Date(lastErrorMs ?? 0) },
		position,
		...log,
	};
}

module.exports = { createBackups };
