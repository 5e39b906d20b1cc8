"use strict";

const { RootcellarError, toError } = require("../base/errors.js");
const { StoredValue } = require("../base/key-entry.js");
const { CLOCK_REPORT_INTERVAL_MS, JOINED_LENGTH_MAX } = require("../base/limits.js");
const { namingSource } = require("../config/backup.js");
const { endAtExit } = require("../process/exit.js");
const { repeatFor } = require("../process/repeat.js");
const { isNodeSqliteLoaded, warnOfForeignCopies } = require("../process/foreign-sqlite.js");
const { loadBinding } = require("./binding.js");
const { storedIn, toBackup, toRestore, valuesHandler } = require("./decode.js");
const { emptyBatch, pushStatement, toArrays, toColumns, toJoined } = require("./encode.js");
const { EventConnection } = require("./events/event-connection.js");
const { NO_LEASE } = require("./protocol.js");
const { endAtSignals } = require("./signals.js");

/**
 * @typedef {import("../..").Backup} Backup
 * @typedef {import("../..").Restore} Restore
 * @typedef {import("../base/key-entry.js").Address} Address
 * @typedef {import("../base/key-entry.js").Stored} Stored
 * @typedef {import("../config/location.js").Location} Location
 * @typedef {import("./addon").Event} Event
 * @typedef {import("./addon").RowSlice} RowSlice
 * @typedef {import("./decode.js").ValuesReceiver} ValuesReceiver
 * @typedef {import("./encode.js").Batch} Batch
 * @typedef {import("./encode.js").Statement} Statement
 */

/** @typedef {InstanceType<typeof Connection>} OpenConnection */

/**
 * Receiver of the events that answer no request.
 *
 * @typedef {object} Notices
 * @property {(event: Event, connection: OpenConnection) => void} take
 * @property {(status: import("./addon").StatusInfo, location: Location) => void} ended told how backups stood after the
 *   last one at the process's end
 */

/** Stored value of a key that has no entry. */
const NOTHING = new StoredValue(undefined, undefined);

/** Boundary to the native store of a file. */
class Connection extends EventConnection {
	/**
	 * @param {Location} location
	 * @param {Notices} [notices]
	 */
	constructor(location, notices) {
		const { NativeStore } = loadBinding();
		super((wake) => new NativeStore(location.path, wake));
		this.location = location;
		this.notices = notices;
	}

	/**
	 * @override
	 * @param {Event} event
	 */
	notice(event) {
		this.notices?.take(event, this);
	}

	/**
	 * Opens the file.
	 *
	 * @param {(error?: Error) => void} callback
	 */
	open(callback) {
		const id = this.expectOne(({ error }) => {
			if (error) {
				this.forget();
			} else {
				this.ends.push(endAtExit(this), endAtSignals());
				this.warnOfStrayLog();
			}
			callback(error && this.openError(error));
		});
		reportClock(this);
		this.ends.push(repeatFor(this, reportClock, CLOCK_REPORT_INTERVAL_MS));
		const { kind, backup } = this.location;
		this.native.open(
			id,
			/** @type {import("./addon").StoreKind} */ (kind),
			kind === "readOnly" ? undefined : backup?.core,
		);
	}

	/**
	 * Makes a backup.
	 *
	 * @param {(error: Error | undefined, backup?: Backup) => void} callback
	 */
	backUp(callback) {
		const id = this.expectOne(({ error, backup }) => callback(error && toError(error), backup && toBackup(backup)));
		this.native.backUp(id);
	}

	/**
	 * Restores the store itself.
	 *
	 * @param {import("./addon").RestoreTarget} target
	 * @param {import("./addon").NativeCancel} cancel
	 * @param {(error: Error | undefined, restored?: Restore) => void} callback
	 */
	restore(target, cancel, callback) {
		const id = this.expectOne(({ error, restored }) =>
			callback(error && toError(error), restored && toRestore(restored)),
		);
		this.native.restore(id, target, cancel);
	}

	/** Status of the backups; `null` if there are none. */
	backupStatus() {
		return this.native.backupStatus();
	}

	/** Path of a log of another file that was set aside when the file was opened. */
	strayLog() {
		return this.native.strayLog() ?? undefined;
	}

	/** Warns if a log of another file was set aside. */
	warnOfStrayLog() {
		const aside = this.strayLog();
		if (aside !== undefined) {
			const { path } = this.location;
			const message = `beside ${path} lay the write-ahead log of another file: the file was put in the place of one whose process was killed. The file is used as it is, and the log is now ${aside}; with the file that it belongs to as its name without the suffix, it has what was written last`;
			process.emitWarning(message, { code: "ROOTCELLAR_STRAY_LOG" });
		}
	}

	/** Bytes that are in the write-ahead log and not in the file yet; `undefined` if the file is not open. */
	logBytes() {
		return this.native.logBytes() ?? undefined;
	}

	/**
	 * Tells the core that a hook has ended.
	 *
	 * @param {number} number
	 * @param {string} [problem] why it failed
	 */
	hookEnded(number, problem) {
		this.native.hookEnded(number, problem);
	}

	/**
	 * Sends a batch to the writer.
	 *
	 * @param {Batch} batch
	 * @param {number} epoch how many batches that ended early have been heard of
	 * @param {number} now milliseconds since 1970 UTC
	 * @param {(event: Event) => void} callback
	 */
	submit(batch, epoch, now, callback) {
		const id = this.expectOne(callback);
		if (batch.hasSql || batch.length > JOINED_LENGTH_MAX) {
			this.native.submitSql(id, NO_LEASE, epoch, toArrays(batch), now, batch.isAlone);
		} else {
			const { codes, texts, lengths, numbers } = toJoined(batch);
			this.native.submit(id, epoch, codes, texts, lengths, numbers, now);
		}
		this.poller.sent(batch.codes.length);
	}

	/**
	 * Reads keys: at once if no lock is held, and then `receive` is called before this returns. Otherwise later.
	 *
	 * @param {readonly Address[]} addresses
	 * @param {number} now milliseconds since 1970 UTC
	 * @param {boolean} isFileSeen the file was just seen to be in its place
	 * @param {ValuesReceiver} receive
	 * @returns {boolean} whether it was at once
	 */
	read(addresses, now, isFileSeen, receive) {
		const { keys, communities } = toColumns(addresses);
		const found = this.native.readNow(keys, communities, now, isFileSeen);
		if (found.values || found.error) {
			return valuesHandler(receive)(found);
		}
		this.readLater(addresses, now, receive);
		return false;
	}

	/**
	 * Reads a key at once.
	 *
	 * @param {Address} address
	 * @param {number} now
	 * @param {boolean} isFileSeen
	 * @param {boolean} keeps whether later reads share its snapshot, until `releaseSnapshot` is called
	 * @returns {Stored | undefined} `undefined` if it has to be read otherwise: a lock is held, or it cannot be read
	 */
	readOneAtOnce({ key, community }, now, isFileSeen, keeps) {
		const found = this.native.readOneNow(key, community, now, isFileSeen, keeps);
		if (typeof found === "string") {
			return new StoredValue(found, undefined);
		}
		if (found === null) {
			return NOTHING;
		}
		const { values } = found;
		return values === undefined || values.failures.length > 0 ? undefined : storedIn(values)[0];
	}

	/**
	 * Reads keys at once, from one snapshot.
	 *
	 * @param {readonly Address[]} addresses
	 * @param {number} now
	 * @param {boolean} isFileSeen
	 * @returns {Stored[] | undefined} `undefined` if they have to be read otherwise: a lock is
	 *   held, the values are large, or one cannot be read
	 */
	readAtOnce(addresses, now, isFileSeen) {
		const { keys, communities } = toColumns(addresses);
		const { values } = this.native.readNow(keys, communities, now, isFileSeen);
		if (values === undefined || values.texts.length < addresses.length || values.failures.length > 0) {
			return undefined;
		}
		return storedIn(values);
	}

	/**
	 * Reads in SQL at once, on this thread, if that takes next to no time.
	 *
	 * @param {Statement} statement
	 * @param {boolean} isFileSeen the file was just seen to be in its place
	 * @param {boolean} keeps as for `readOneAtOnce`
	 * @returns {RowSlice | undefined} the rows; `undefined` if it has to be read otherwise
	 */
	readSqlNow(statement, isFileSeen, keeps) {
		const batch = emptyBatch();
		pushStatement(batch, statement);
		const { texts, numbers, blobs } = batch;
		const found = this.native.readSqlNow(texts, Float64Array.from(numbers), blobs, isFileSeen, keeps);
		return typeof found === "string" ? { json: found } : (found ?? undefined);
	}

	/** Ends the snapshot that reads share. */
	releaseSnapshot() {
		this.native.releaseSnapshot();
	}

	/** Memory that tells one version of the file from another, if there is any; see `CoherentCache`. */
	version() {
		return this.native.version();
	}

	/**
	 * Validity of what was cached at the version that a cache `knows`. Sets `knows` to the version of now, unless that is
	 * unknown.
	 *
	 * @param {Uint32Array} knows
	 */
	catchUp(knows) {
		return this.native.catchUp(knows);
	}

	/** Warns, once in a process, if other copies of SQLite in it endanger the file. */
	checkForeignCopies() {
		const found = this.native.foreignCopies(isNodeSqliteLoaded() ? ["node:sqlite"] : []);
		if (found) {
			warnOfForeignCopies(this.location.path, found);
		}
	}

	/** Makes the last backup and releases the file, because the process ends. */
	end() {
		this.forget();
		this.whenLost?.();
		const status = this.native.end();
		if (status) {
			this.notices?.ended(status, this.location);
		}
	}

	/**
	 * @param {{ code: string, message: string }} failure
	 */
	openError(failure) {
		const { path, source, backup, kind } = this.location;
		const { code, message } = backup ? namingSource(failure, backup.source) : failure;
		if (kind === "foreign") {
			return new RootcellarError(code, message);
		}
		if (code === "ERR_INVALID_CONFIG") {
			return new RootcellarError(code, `${message}; ${path} was not opened`);
		}
		// Messages about backups, or about the file's version, say for themselves what was expected.
		const expected =
			kind === "readOnly"
				? "the file of a store that can be read"
				: "a SQLite database that can be written, or a new file in an existing folder";
		const hint = code.startsWith("SQLITE_") ? `; expected ${expected}` : "";
		return new RootcellarError(code, `cannot open ${path} (${source}): ${message}${hint}`);
	}
}

/**
 * Tells the core what time it is here, which a test may have set: a row is purged only when it has expired by this clock,
 * too.
 *
 * @param {Connection} connection
 */
function reportClock({ native }) {
	native.reportClock(Date.now());
}

module.exports = { Connection };
