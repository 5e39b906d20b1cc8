"use strict";

const { isDate } = require("node:util/types");
const path = require("node:path");
const { checkOptionNames } = require("../base/arguments.js");
const { DESTINATION, namingSource, withoutSecrets } = require("../config/backup.js");
const { loadBinding } = require("../native/binding.js");
const { RootcellarError, invalidArgument, toError } = require("../base/errors.js");
const { isExiting } = require("../process/exit.js");
const { kindOf } = require("../base/json.js");
const { nextTurn } = require("../process/event-loop.js");

/**
 * @typedef {import("../..").Backup} Backup
 * @typedef {import("../..").Backups} Backups
 * @typedef {import("../..").Restore} Restore
 * @typedef {import("../config/location.js").Location} Location
 * @typedef {import("../native/addon").BackupInfo} BackupInfo
 * @typedef {import("../native/addon").Event} Event
 * @typedef {import("../native/addon").RestoredInfo} RestoredInfo
 * @typedef {InstanceType<typeof import("../queue/queue.js").OperationQueue>} OperationQueue
 */

const EVENTS = ["backup", "restore", "failure", "progress"];

/** The options of a restore. */
const RESTORE_OPTIONS = ["at", "id", "to", "overwrite"];

/**
 * What a store tells of its backups without having been asked: listeners are called, hooks too, and what was restored
 * or set aside before the file was opened is said on the standard error stream, as is the first failure that nobody
 * listens to.
 */
class Notices {
	constructor() {
		/** @type {Map<string, Set<(value: any) => void>>} */
		this.listeners = new Map(EVENTS.map((name) => [name, new Set()]));
		this.hasFailed = false;
	}

	/**
	 * @param {string} name
	 * @param {unknown} value
	 */
	emit(name, value) {
		for (const listener of this.listeners.get(name) ?? []) {
			try {
				listener(value);
			} catch (error) {
				// Like an error in any listener: the process's to see, and not the backup's to fail by.
				queueMicrotask(() => {
					throw error;
				});
			}
		}
	}

	/**
	 * What failed while the process was ending, when no event arrives any more.
	 *
	 * @param {import("../native/connection.js").OpenConnection} connection
	 */
	ended({ native, location }) {
		const { phase, lastError } = native.backupStatus() ?? {};
		if (lastError && (phase === "failing" || phase === "conflict")) {
			this.warn(lastError, location);
		}
	}

	/**
	 * Warns of the first failure, if nobody would hear of it.
	 *
	 * @param {{ code: string, message: string }} failure
	 * @param {Location} location
	 */
	warn({ code, message }, { path: file, backup }) {
		// Others hold a lock, and not for long.
		if (code.startsWith("SQLITE_BUSY")) return;
		const isFirst = !this.hasFailed;
		this.hasFailed = true;
		if (!isFirst || !backup || backup.quiet || this.listeners.get("failure")?.size) {
			return;
		}
		const warning = new Error(
			`the backups of ${file} to ${withoutSecrets(backup.native.url)} are not as they should be: ${message} (${code}). ` +
				"The store itself works. Correct what is said here, which backups.status() and rootcellar status show, or turn " +
				"backups off with ROOTCELLAR_BACKUP=off",
		);
		Object.assign(warning, { name: "Warning", code: "ROOTCELLAR_BACKUP_FAILING" });
		if (isExiting()) {
			// A warning of `emitWarning` would come when nothing comes any more.
			process.emit("warning", warning);
		} else {
			process.emitWarning(warning);
		}
	}

	/**
	 * @param {Event} event
	 * @param {import("../native/connection.js").OpenConnection} connection
	 */
	take(event, connection) {
		const { kind, backup, restored, error, hook, hookNumber = 0 } = event;
		if (kind === "backedUp" && backup) {
			this.emit("backup", toBackup(backup));
		} else if (kind === "failed" && error) {
			this.warn(error, connection.location);
			this.emit("failure", toError(error));
		} else if (kind === "progress") {
			this.emit("progress", { doneBytes: event.doneBytes, totalBytes: event.totalBytes });
		} else if (kind === "restored" && restored) {
			report(connection.location, restored);
			this.emit("restore", toRestore(restored));
		} else if (kind === "hook" && hook) {
			const ended = (/** @type {string | undefined} */ problem) => connection.native.hookEnded(hookNumber, problem);
			call(connection.location.backup?.hooks[hook]).then(
				() => ended(undefined),
				(cause) => ended(messageOf(cause)),
			);
		}
	}
}

/**
 * @param {(() => unknown) | undefined} hook
 */
async function call(hook) {
	await hook?.();
}

/**
 * @param {unknown} cause
 */
function messageOf(cause) {
	return cause instanceof Error ? cause.message : "it threw something that is no Error";
}

/**
 * @param {Location} location
 * @param {RestoredInfo} restored
 */
function report({ path: file, backup }, { reason, createdMs, setAside, isComplete, skipped }) {
	if (reason === undefined || backup?.quiet) {
		return;
	}
	const aside = setAside === undefined ? "" : `; what was there is now ${setAside}`;
	const incomplete = isComplete ? "" : `; ${skipped.length} backups could not be used`;
	const state = new Date(createdMs).toISOString();
	process.stderr.write(
		`rootcellar: ${file} was restored to its backup of ${state}, for ${reason}${aside}${incomplete}\n`,
	);
}

/**
 * @param {BackupInfo} info
 * @returns {Backup}
 */
function toBackup({ id, createdMs, bytes, isSnapshot }) {
	return { id, createdAt: new Date(createdMs), sizeBytes: bytes, kind: isSnapshot ? "snapshot" : "increment" };
}

/**
 * @param {RestoredInfo} info
 * @returns {Restore}
 */
function toRestore({ id, createdMs, bytes, isComplete, skipped, undoId, reason, setAside }) {
	return {
		id,
		createdAt: new Date(createdMs),
		sizeBytes: bytes,
		isComplete,
		skipped,
		...(undoId === undefined ? {} : { undoId }),
		...(reason === undefined ? {} : { reason }),
		...(setAside === undefined ? {} : { setAside }),
	};
}

/**
 * @param {any} options
 */
function checkRestore(options) {
	if (typeof options !== "object" || options === null) {
		throw invalidArgument("options", `must be an object, not ${kindOf(options)}`);
	}
	checkOptionNames(options, RESTORE_OPTIONS, "options");
	const { at, id, to, overwrite = false } = options;
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
	if (typeof overwrite !== "boolean") {
		throw invalidArgument("options.overwrite", `must be a boolean, not ${kindOf(overwrite)}`);
	}
	return { target: { id, atMs }, to: to === undefined ? undefined : path.resolve(to), overwrite };
}

/**
 * The answer of a request to a destination, or its error. What the request told of its progress has been told by then.
 *
 * @param {Promise<import("../native/addon").Answer>} asked
 * @param {string} [source] who named the destination
 */
async function answerOf(asked, source = DESTINATION) {
	const { error, backups = [], restored, ...rest } = await asked;
	// In one turn of the event loop answers come before what was told on the way to them.
	await new Promise((/** @type {(value?: undefined) => void} */ resolve) => nextTurn(resolve));
	if (error) {
		throw toError(namingSource(error, source));
	}
	return { ...rest, backups, restored: /** @type {RestoredInfo} */ (restored) };
}

/**
 * @param {OperationQueue} queue
 * @param {() => Location} located
 * @param {Notices} notices
 * @returns {Backups}
 */
function createBackups(queue, located, notices) {
	const configured = () => {
		const { backup } = located();
		if (backup === undefined) {
			throw new RootcellarError("ERR_BACKUP_OFF", "this store makes no backups: they were turned off");
		}
		return { url: backup.native.url, source: backup.source };
	};

	const progressed = (/** @type {number} */ doneBytes, /** @type {number} */ totalBytes) =>
		notices.emit("progress", { doneBytes, totalBytes });

	/** Restores the store itself: what was issued before comes before, and what is issued later after. */
	const restoreHere = (/** @type {import("../native/addon").RestoreTarget} */ target) =>
		new Promise((/** @type {(restore: Restore) => void} */ resolve, reject) => {
			configured();
			queue.replaceAll((done) => {
				queue.connection.opened.restore(target, (error, restored) => {
					if (restored) {
						resolve(toRestore(restored));
					} else {
						reject(error);
					}
					done();
				});
			}, reject);
		});

	return {
		create: () =>
			new Promise((resolve, reject) => {
				configured();
				queue.checkWrite();
				const run = () => {
					queue.connection.opened.backUp((error, backup) => (backup ? resolve(toBackup(backup)) : reject(error)));
					return true;
				};
				queue.fence(run, reject);
			}),
		list: async () => {
			const { url, source } = configured();
			const { backups } = await answerOf(loadBinding().listBackups(url, located().path), source);
			return backups.map(toBackup);
		},
		restore: async (given = {}) => {
			const { target, to, overwrite } = checkRestore(given);
			if (to === undefined) {
				return restoreHere(target);
			}
			if (to === located().path) {
				throw invalidArgument("options.to", "must be another file than the store's own, which is restored without it");
			}
			const { url, source } = configured();
			const { restored } = await answerOf(
				loadBinding().restoreBackup(url, target, to, overwrite, progressed, located().path),
				source,
			);
			return toRestore(restored);
		},
		verify: async () => {
			const { url, source } = configured();
			const file = located().path;
			const { restored } = await answerOf(
				loadBinding().verifyBackups(url, path.dirname(file), progressed, file),
				source,
			);
			return { ...toRestore(restored), files: restored.files };
		},
		status: () => statusOf(located(), queue.connection.current),
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
 * @param {import("../native/connection.js").OpenConnection | undefined} connection
 * @returns {import("../..").BackupStatus}
 */
function statusOf({ backup }, connection) {
	if (backup === undefined) {
		return {
			state: "off",
			destination: undefined,
			lagMs: 0,
			lastBackupAt: undefined,
			lastError: undefined,
			position: undefined,
		};
	}
	const status = connection?.native.backupStatus();
	if (!status) {
		const destination = withoutSecrets(backup.native.url);
		return {
			state: "closed",
			destination,
			lagMs: 0,
			lastBackupAt: undefined,
			lastError: undefined,
			position: undefined,
		};
	}
	const { destination, phase, lagMs, lastBackupMs, lastError, lastErrorMs, position } = status;
	return {
		state: phase,
		destination,
		lagMs,
		lastBackupAt: lastBackupMs === undefined ? undefined : new Date(lastBackupMs),
		lastError: lastError && { ...lastError, at: new Date(lastErrorMs ?? 0) },
		position,
	};
}

module.exports = { Notices, answerOf, createBackups, toBackup, toRestore };
