"use strict";

const { performance } = require("node:perf_hooks");
const { loadBinding } = require("./binding.js");
const {
	LOOK_OUT_COMMANDS_MAX,
	LOOK_OUT_MS,
	LOOK_OUT_PAUSE_MAX,
	LOOK_OUT_PAUSE_MIN,
	ROWS_LENGTH_MAX,
} = require("./limits.js");
const { RootcellarError, toError } = require("./errors.js");
const { emptyBatch } = require("./batch.js");
const { pushStatement } = require("./sql-statement.js");
const { finishAtExit } = require("./exit.js");
const { NO_LEASE, encoded, startReads } = require("./sql-requests.js");
const { isNodeSqliteLoaded, warnOfForeignCopies } = require("./foreign-copies.js");
const { nextTurn } = require("./turns.js");

/**
 * @typedef {import("./native").Event} Event
 * @typedef {import("./native").Failure} Failure
 * @typedef {import("./native").Batch} Batch
 * @typedef {import("./native").ReadNow} ReadNow
 * @typedef {import("./native").ReadValues} ReadValues
 * @typedef {import("./coherent-cache.js").Address} Address
 * @typedef {import("./read-cache.js").Stored} Stored
 * @typedef {import("./config.js").Location} Location
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
		this.isLookingOut = false;
		this.lookOutUntil = 0;
		/** For how many batches there is no looking out. */
		this.lookOutPause = 0;
		this.nextLookOutPause = LOOK_OUT_PAUSE_MIN;
		/** @type {(() => void) | undefined} */
		this.whenIdle = undefined;
		/** @type {(() => void) | undefined} */
		this.backupsEnded = undefined;
		const { NativeStore } = loadBinding();
		// A store that was dropped without being closed must not be kept by its own callback.
		const weak = new WeakRef(this);
		this.native = new NativeStore(location.path, () => weak.deref()?.dispatch());
	}

	/**
	 * Opens the file.
	 *
	 * @param {(error?: Error) => void} callback
	 */
	open(callback) {
		const id = this.expect(({ error }) => {
			if (!error && this.location.backup) {
				this.backupsEnded = finishAtExit(this.native);
			}
			callback(error && this.openError(error));
			return true;
		});
		this.native.open(id, this.location.backup?.native);
	}

	/**
	 * Backs up what there is.
	 *
	 * @param {(error: Error | undefined, backup?: import("./native").BackupInfo) => void} callback
	 */
	backUp(callback) {
		this.native.backUp(
			this.expect(({ error, backup }) => {
				callback(error && toError(error), backup);
				return true;
			}),
		);
	}

	/**
	 * Restores the store itself.
	 *
	 * @param {import("./native").RestoreTarget} target
	 * @param {(error: Error | undefined, restored?: import("./native").RestoredInfo) => void} callback
	 */
	restore(target, callback) {
		const id = this.expect(({ error, restored }) => {
			callback(error && toError(error), restored);
			return true;
		});
		this.native.restore(id, target);
	}

	/**
	 * Sends a batch to the writer.
	 *
	 * @param {Batch} batch
	 * @param {number} attempt how often a batch that ended early was heard of
	 * @param {number} now milliseconds since 1970 UTC
	 * @param {(event: Event) => void} callback
	 */
	submit(batch, attempt, now, callback) {
		const id = this.expect((event) => {
			callback(event);
			return true;
		});
		const { codes, texts, numbers } = batch;
		if (batch.hasSql) {
			this.native.submitSql(id, NO_LEASE, attempt, encoded(batch), now, batch.isAlone);
		} else {
			this.native.submit(id, attempt, Uint8Array.from(codes), texts, Float64Array.from(numbers), now);
		}
		if (this.lookOutPause > 0) {
			this.lookOutPause--;
		} else if (codes.length <= LOOK_OUT_COMMANDS_MAX) {
			this.lookOut();
		}
	}

	/**
	 * Looks for events in each turn of the event loop, for a moment: a small batch takes little longer than it takes to
	 * be woken up. Where that moment is too short, because the disk is slow or the processors are busy, looking does harm,
	 * and is given up for a while.
	 */
	lookOut() {
		this.lookOutUntil = performance.now() + LOOK_OUT_MS;
		if (this.isLookingOut) {
			return;
		}
		this.isLookingOut = true;
		const look = () => {
			const isLate = performance.now() >= this.lookOutUntil;
			this.dispatch();
			if (this.handlers.size > 0 && !isLate) {
				nextTurn(look);
				return;
			}
			this.lookOutPause = isLate ? this.nextLookOutPause : 0;
			this.nextLookOutPause = isLate ? Math.min(2 * this.lookOutPause, LOOK_OUT_PAUSE_MAX) : LOOK_OUT_PAUSE_MIN;
			this.isLookingOut = false;
		};
		nextTurn(look);
	}

	/**
	 * Reads keys: at once if no lock is held, and then `callback` is called before this returns. Otherwise later.
	 * Of large values only the first are read, at least one: fewer are found then than there are keys.
	 *
	 * @param {Address[]} addresses
	 * @param {number} now milliseconds since 1970 UTC
	 * @param {boolean} isFileSeen the file was just seen to be in its place
	 * @param {(found: Stored[], errorAt: (index: number) => Error | undefined) => void} callback
	 * @returns {boolean} whether it was at once
	 */
	read(addresses, now, isFileSeen, callback) {
		const found = this.readNow(addresses, now, isFileSeen);
		if (typeof found === "string" || found === null) {
			callback([{ text: found ?? undefined, expiresAt: undefined }], noError);
			return true;
		}
		/** @param {ReadNow} result */
		const answer = ({ values, error }) => {
			const failed = error && toError(error);
			const failures = new Map(values?.failures.map((failure) => [failure.index, toError(failure.error)]));
			callback(values ? storedIn(values) : [], (index) => failed ?? failures.get(index));
			return true;
		};
		if (found.values || found.error) {
			return answer(found);
		}
		this.native.readLater(this.expect(answer), addresses.map(keyOf), addresses.map(communityOf), now);
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
		return this.native.readNow(addresses.map(keyOf), addresses.map(communityOf), now, isFileSeen);
	}

	/**
	 * Reads what matches a pattern.
	 *
	 * @param {{ pattern: string, community: string | undefined, valuesOnly: boolean }} select
	 * @param {number} now milliseconds since 1970 UTC
	 * @param {{ started(): void, slice(text: string, last: boolean): void, failed(error: Error): void }} callbacks
	 *   `started` is called only if the snapshot was not taken when this returned
	 * @returns {boolean} whether the snapshot is taken
	 */
	select({ pattern, community, valuesOnly }, now, { started, slice, failed }) {
		const id = this.expect(({ kind, error, text = "", last = false }) => {
			if (kind === "started") {
				started();
				return false;
			}
			if (error) {
				failed(toError(error));
				return true;
			}
			slice(text, last);
			return last;
		});
		return this.native.select(id, pattern, community, valuesOnly, now);
	}

	/**
	 * Starts reads in SQL, all of one moment.
	 *
	 * @param {import("./sql-requests.js").Read[]} reads
	 * @param {() => void} started called only if the snapshot was not taken when this returned
	 * @returns {boolean} whether the snapshot is taken
	 */
	readSql(reads, started) {
		return startReads(this, reads, started);
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
	 * @param {import("./sql-statement.js").Statement} statement
	 * @param {boolean} isFileSeen the file was just seen to be in its place
	 * @returns {import("./native").RowSlice | undefined} the rows; `undefined` if it has to be read otherwise
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
		this.native.close(
			this.expect(() => {
				callback();
				return true;
			}),
		);
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
	 * @param {{ code: string, message: string }} failure
	 */
	openError({ code, message }) {
		const { path, source } = this.location;
		// What is wrong with backups, or with the file's version, says for itself what was expected.
		const expected = "a SQLite database that can be written, or a new file in an existing folder";
		const hint = code.startsWith("SQLITE_") ? `; expected ${expected}` : "";
		return new RootcellarError(code, `cannot open ${path} (${source}): ${message}${hint}`);
	}
}

/** @returns {undefined} */
function noError() {}

/**
 * @param {Address} address
 */
function keyOf({ key }) {
	return key;
}

/**
 * @param {Address} address
 */
function communityOf({ community }) {
	return community;
}

/**
 * @param {ReadValues} values
 * @returns {Stored[]}
 */
function storedIn({ texts, expiries }) {
	/** @type {Stored[]} */
	const found = texts.map((text) => ({ text: text ?? undefined, expiresAt: undefined }));
	for (const { index, at } of expiries) {
		found[index] = { text: found[index]?.text, expiresAt: at };
	}
	return found;
}

module.exports = { Connection, storedIn };
