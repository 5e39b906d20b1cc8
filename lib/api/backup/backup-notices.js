"use strict";

const { toError } = require("../../base/errors.js");
const { withoutSecrets } = require("../../config/address.js");
const { toBackup, toRestore } = require("../../native/decode.js");
const { isExiting } = require("../../process/exit.js");

/**
 * @typedef {import("../../config/location.js").Location} Location
 * @typedef {import("../../native/addon").Event} Event
 * @typedef {import("../../native/addon").RestoredInfo} RestoredInfo
 * @typedef {import("../../native/connection.js").OpenConnection} OpenConnection
 */

/** Events that a listener can be added for. */
const EVENTS = ["backup", "restore", "failure", "progress"];

/**
 * Notices of a store about its backups: calls listeners and hooks. A restore before the file was opened is reported on the
 * standard error stream, as is the first failure that nobody listens to.
 */
class BackupNotices {
	constructor() {
		/** @type {Map<string, Set<(value: any) => void>>} */
		this.listeners = new Map(EVENTS.map((name) => [name, new Set()]));
		this.hasFailed = false;
		/** @type {{ code: string, message: string, at: Date } | undefined} the last failure */
		this.lastFailure = undefined;
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
				// Like an error in any listener it is for the process to see, and does not fail the backup.
				queueMicrotask(() => {
					throw error;
				});
			}
		}
	}

	/**
	 * Warns of a failure while the process was ending, when no event arrives any more.
	 *
	 * @param {import("../../native/addon").StatusInfo} status
	 * @param {Location} location
	 */
	ended({ phase, lastError }, location) {
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
		// A lock of others, which is not held for long.
		if (code.startsWith("SQLITE_BUSY")) return;
		const isFirst = !this.hasFailed;
		this.hasFailed = true;
		if (!isFirst || !backup || backup.quiet || this.listeners.get("failure")?.size) {
			return;
		}
		const warning = new Error(
			`the backups of ${file} to ${withoutSecrets(backup.core.url)} are not as they should be: ${message} (${code}). ` +
				"The store itself works. Correct what is said here, which backups.status() and rootcellar status show, or turn " +
				"backups off with ROOTCELLAR_BACKUP=off",
		);
		Object.assign(warning, { name: "Warning", code: "ROOTCELLAR_BACKUP_FAILING" });
		if (isExiting()) {
			// A warning of `emitWarning` would come too late.
			process.emit("warning", warning);
		} else {
			process.emitWarning(warning);
		}
	}

	/**
	 * @param {Event} event
	 * @param {OpenConnection} connection
	 */
	take(event, connection) {
		const { kind, backup, restored, error, hook, hookNumber = 0 } = event;
		if (kind === "backedUp" && backup) {
			this.emit("backup", toBackup(backup));
		} else if (kind === "failed" && error) {
			this.lastFailure = { code: error.code, message: error.message, at: new Date() };
			this.warn(error, connection.location);
			this.emit("failure", toError(error));
		} else if (kind === "progress") {
			this.emit("progress", { doneBytes: event.doneBytes, totalBytes: event.totalBytes });
		} else if (kind === "restored" && restored) {
			report(connection.location, restored);
			this.emit("restore", toRestore(restored));
		} else if (kind === "hook" && hook) {
			const ended = (/** @type {string | undefined} */ problem) => connection.hookEnded(hookNumber, problem);
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
 * Reports a restore before the file was opened.
 *
 * @param {Location} location
 * @param {RestoredInfo} restored
 */
function report({ path: file, backup }, { reason, createdMs, setAside, isComplete, skipped }) {
	if (reason === undefined || backup?.quiet) {
		return;
	}
	const aside = setAside === undefined ? "" : `; what was there is now ${setAside}`;
	const incomplete = isComplete
		? ""
		: `; ${skipped.length === 1 ? "1 backup" : `${skipped.length} backups`} could not be used`;
	const state = new Date(createdMs).toISOString();
	process.stderr.write(
		`rootcellar: ${file} was restored to its backup of ${state}, for ${reason}${aside}${incomplete}\n`,
	);
}

module.exports = { BackupNotices, EVENTS };
