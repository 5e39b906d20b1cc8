"use strict";

const { emptyBatch } = require("./encode.js");
const { namingSource } = require("../config/backup.js");
const { loadBinding } = require("./binding.js");
const { RootcellarError, toError } = require("../base/errors.js");
const { finishAtExit } = require("../process/exit.js");
const { isNodeSqliteLoaded, warnOfForeignCopies } = require("./foreign-sqlite.js");
const { columnsOf, lookupHandler, selectHandler } = require("./key-requests.js");
const { ROWS_LENGTH_MAX } = require("../base/limits.js");
const { Poller } = require("./poller.js");
const { finishAtSignals } = require("./signals.js");
const { NO_LEASE, encodeReads, encoded, rowsHandler } = require("./sql-requests.js");
const { pushStatement } = require("../api/statement.js");
const { nextTurn } = require("../process/event-loop.js");

/**
 * @typedef {import("./addon").Event} Event
 * @typedef {import("./addon").Batch} Batch
 * @typedef {import("../cache/coherent-cache.js").Address} Address
 * @typedef {import("../config/location.js").Location} Location
 */

/**
 * Takes one event of a request. Returns whether it was the last.
 *
 * @typedef {(event: Event) => boolean} Handler
 */

/** @typedef {InstanceType<typeof Connection>} OpenConnection */

/** Connections with a request under way: what keeps them, and the process, alive until it is answered. */
const busy = new Set();

/**
 * The boundary to the native store: numbers requests, and brings each event to the request that it answers.
 */
class Connection {
	/**
	 * @param {Location} location
	 */
	constructor(location) {
		this.location = location;
		/** @type {Map<number, Handler>} */
		this.handlers = new Map();
		this.lastId = 0;
		/** That of the writing connection which it stands for: none. */
		this.lease = NO_LEASE;
		this.poller = pollerFor(this);
		/** @type {(() => void) | undefined} */
		this.whenIdle = undefined;
		/** @type {(() => void) | undefined} */
		this.backupsEnded = undefined;
		const { NativeStore } = loadBinding();
		// A store that was dropped without being closed must not be kept by its own callback. So no other function here may
		// use `this`: the functions of a scope share what they hold.
		const weak = new WeakRef(this);
		this.native = new NativeStore(location.path, () => weak.deref()?.dispatch());
	}

	/**
	 * Opens the file.
	 *
	 * @param {(error?: Error) => void} callback
	 */
	open(callback) {
		const id = this.expectOne(({ error }) => {
			if (!error && this.location.backup) {
				this.backupsEnded = finishAtExit(this);
				finishAtSignals();
			}
			callback(error && this.openError(error));
		});
		this.native.open(id, this.location.backup?.native);
	}

	/**
	 * Backs up what there is.
	 *
	 * @param {(error: Error | undefined, backup?: import("./addon").BackupInfo) => void} callback
	 */
	backUp(callback) {
		this.native.backUp(this.expectOne(({ error, backup }) => callback(error && toError(error), backup)));
	}

	/**
	 * Restores the store itself.
	 *
	 * @param {import("./addon").RestoreTarget} target
	 * @param {(error: Error | undefined, restored?: import("./addon").RestoredInfo) => void} callback
	 */
	restore(target, callback) {
		const id = this.expectOne(({ error, restored }) => callback(error && toError(error), restored));
		this.native.restore(id, target);
	}

	/**
	 * Sends a batch to the writer.
	 *
	 * @param {Batch} batch
	 * @param {number} epoch how often a batch that ended early was heard of
	 * @param {number} now milliseconds since 1970 UTC
	 * @param {(event: Event) => void} callback
	 */
	submit(batch, epoch, now, callback) {
		const id = this.expectOne(callback);
		const { codes, texts, numbers } = batch;
		if (batch.hasSql) {
			this.native.submitSql(id, NO_LEASE, epoch, encoded(batch), now, batch.isAlone);
		} else {
			this.native.submit(id, epoch, Uint8Array.from(codes), texts, Float64Array.from(numbers), now);
		}
		this.poller.sent(codes.length);
	}

	/**
	 * Reads keys: at once if no lock is held, and then `callback` is called before this returns. Otherwise later.
	 *
	 * @param {Address[]} addresses
	 * @param {number} now milliseconds since 1970 UTC
	 * @param {boolean} isFileSeen the file was just seen to be in its place
	 * @param {import("./key-requests.js").Found} callback
	 * @returns {boolean} whether it was at once
	 */
	read(addresses, now, isFileSeen, callback) {
		const found = this.readNow(addresses, now, isFileSeen);
		if (typeof found === "string" || found === null) {
			callback([{ text: found ?? undefined, expiresAt: undefined }], noError);
			return true;
		}
		const answer = lookupHandler(callback);
		if (found.values || found.error) {
			return answer(found);
		}
		const { keys, communities } = columnsOf(addresses);
		this.native.readLater(this.expect(answer), keys, communities, now);
		return false;
	}

	/**
	 * @param {Address[]} addresses
	 * @param {number} now
	 * @param {boolean} isFileSeen
	 */
	readNow(addresses, now, isFileSeen) {
		const [first] = addresses;
		if (first && addresses.length === 1) {
			return this.native.readOneNow(first.key, first.community, now, isFileSeen);
		}
		const { keys, communities } = columnsOf(addresses);
		return this.native.readNow(keys, communities, now, isFileSeen);
	}

	/**
	 * Reads what matches a pattern.
	 *
	 * @param {import("./key-requests.js").Select} select
	 * @param {number} now milliseconds since 1970 UTC
	 * @param {import("./key-requests.js").SelectCallbacks} callbacks `started` is called only if the snapshot was not taken
	 *   when this returned
	 * @returns {boolean} whether the snapshot is taken
	 */
	select({ pattern, community, valuesOnly }, now, callbacks) {
		return this.native.select(this.expect(selectHandler(callbacks)), pattern, community, valuesOnly, now);
	}

	/**
	 * Starts reads in SQL, all of one moment.
	 *
	 * @param {import("./sql-requests.js").Read[]} reads
	 * @param {() => void} started called only if the snapshot was not taken when this returned
	 * @returns {boolean} whether the snapshot is taken
	 */
	readSql(reads, started) {
		const ids = reads.map((read) => this.expect(rowsHandler(read, started)));
		return this.native.readSql(ids, NO_LEASE, encodeReads(reads));
	}

	/** The memory that tells one state of the database from another, if there is any; see `CoherentCache`. */
	version() {
		return this.native.version();
	}

	/**
	 * How what was cached at the version that a cache `knows` stands to the file. Sets `knows` to the version of now,
	 * unless that is unknown.
	 *
	 * @param {Uint32Array} knows
	 */
	catchUp(knows) {
		return this.native.catchUp(knows);
	}

	/**
	 * Reads in SQL at once, on this thread, if that takes next to no time.
	 *
	 * @param {import("../api/statement.js").Statement} statement
	 * @param {boolean} isFileSeen the file was just seen to be in its place
	 * @returns {import("./addon").RowSlice | undefined} the rows; `undefined` if it has to be read otherwise
	 */
	readSqlNow(statement, isFileSeen) {
		const batch = emptyBatch();
		pushStatement(batch, statement);
		const found = this.native.readSqlNow(batch.texts, Float64Array.from(batch.numbers), batch.blobs, isFileSeen);
		return typeof found === "string" ? { json: found } : (found ?? undefined);
	}

	/** Warns, once in a process, if other copies of SQLite in it endanger the file. */
	checkForeignCopies() {
		const found = this.native.foreignCopies(isNodeSqliteLoaded() ? ["node:sqlite"] : []);
		if (found) {
			warnOfForeignCopies(this.location.path, found);
		}
	}

	/**
	 * Releases the file, once every request under way has been answered.
	 *
	 * @param {() => void} callback
	 */
	close(callback) {
		if (this.handlers.size > 0) {
			this.whenIdle = () => this.close(callback);
			return;
		}
		this.backupsEnded?.();
		this.native.close(this.expectOne(callback));
	}

	/** Makes the last backup, because the process ends. */
	finishBackups() {
		this.native.finishBackups();
		this.location.ended?.(this);
	}

	/**
	 * Waits, without returning to the event loop, until something has happened, and handles it.
	 *
	 * @param {number} waitMs
	 * @returns {boolean} whether anything has happened
	 */
	waitForEvent(waitMs) {
		const event = this.native.nextEvent(waitMs);
		if (event) {
			this.handle(event);
		}
		return event !== null;
	}

	/**
	 * Handles what has happened. After each slice of rows the event loop has its turn.
	 */
	dispatch() {
		let length = 0;
		for (let event = this.native.nextEvent(0); event; event = this.native.nextEvent(0)) {
			this.handle(event);
			length += event.rows?.json.length ?? 0;
			if (event.kind === "slice" || length > ROWS_LENGTH_MAX) {
				nextTurn(() => this.dispatch());
				return;
			}
		}
	}

	/**
	 * @param {Event} event
	 */
	handle(event) {
		if (event.id === 0) {
			this.location.notice?.(event, this);
			return;
		}
		const handler = this.handlers.get(event.id);
		if (handler?.(event)) {
			this.handlers.delete(event.id);
			if (this.handlers.size === 0) {
				busy.delete(this);
				this.native.hold(false);
				const { whenIdle } = this;
				this.whenIdle = undefined;
				whenIdle?.();
			}
		}
	}

	/**
	 * Numbers a request.
	 *
	 * @param {Handler} handler
	 * @returns {number}
	 */
	expect(handler) {
		if (this.handlers.size === 0) {
			busy.add(this);
			this.native.hold(true);
		}
		// 0 is what was not asked for.
		this.lastId = (this.lastId + 1) >>> 0 || 1;
		this.handlers.set(this.lastId, handler);
		return this.lastId;
	}

	/**
	 * Numbers a request that one event answers.
	 *
	 * @param {(event: Event) => void} callback
	 */
	expectOne(callback) {
		return this.expect((event) => {
			callback(event);
			return true;
		});
	}

	/**
	 * @param {{ code: string, message: string }} failure
	 */
	openError(failure) {
		const { path, source, backup } = this.location;
		const { code, message } = backup ? namingSource(failure, backup.source) : failure;
		if (code === "ERR_INVALID_CONFIG") {
			return new RootcellarError(code, `${message}; ${path} was not opened`);
		}
		// What is wrong with backups, or with the file's version, says for itself what was expected.
		const expected = "a SQLite database that can be written, or a new file in an existing folder";
		const hint = code.startsWith("SQLITE_") ? `; expected ${expected}` : "";
		return new RootcellarError(code, `cannot open ${path} (${source}): ${message}${hint}`);
	}
}

/** @returns {undefined} */
function noError() {}

/**
 * @param {Connection} connection
 */
function pollerFor(connection) {
	return new Poller(() => {
		connection.dispatch();
		return connection.handlers.size > 0;
	});
}

module.exports = { Connection };
