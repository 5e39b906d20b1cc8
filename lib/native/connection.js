"use strict";

const { RootcellarError, toError } = require("../base/errors.js");
const { CLOCK_REPORT_INTERVAL_MS, JOINED_LENGTH_MAX, ROWS_LENGTH_MAX } = require("../base/limits.js");
const { namingSource } = require("../config/backup.js");
const { nextTurn } = require("../process/event-loop.js");
const { endAtExit } = require("../process/exit.js");
const { repeatFor } = require("../process/repeat.js");
const { isNodeSqliteLoaded, warnOfForeignCopies } = require("../process/foreign-sqlite.js");
const { loadBinding } = require("./binding.js");
const { storedIn, toBackup, toRestore, valuesHandler } = require("./decode.js");
const { emptyBatch, pushStatement, toArrays, toColumns, toJoined } = require("./encode.js");
const { Poller } = require("./poller.js");
const { NO_LEASE, NO_REQUEST } = require("./protocol.js");
const { Requests } = require("./requests.js");
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
 * @typedef {import("./requests.js").EventHandler} EventHandler
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

/**
 * Scope of a watch: some keys, or those of a range.
 *
 * @typedef {{ keys: string[] | undefined, range: { from: string, to: string | undefined }, community: string | undefined }} WatchScope
 */

/** What is stored under a key that has no entry. */
const NOTHING = /** @type {Stored} */ ({ text: undefined, expiresAt: undefined });

/** Connections with a request under way. The set keeps them, and the process, alive until it is answered. */
const busy = new Set();

/**
 * Boundary to the native store: numbers requests, and takes each event to the request that it answers.
 */
class Connection extends Requests {
	/**
	 * @param {Location} location
	 * @param {Notices} [notices]
	 */
	constructor(location, notices) {
		const { NativeStore } = loadBinding();
		/** @type {WeakRef<Connection> | undefined} */
		let weak;
		// A store that was dropped without being closed must not be kept by its own callback. So no other function here may
		// use `this`: the functions of a scope share what they hold.
		super(new NativeStore(location.path, () => weak?.deref()?.dispatch()), NO_LEASE);
		weak = new WeakRef(this);
		this.location = location;
		this.notices = notices;
		/** @type {Map<number, EventHandler>} */
		this.handlers = new Map();
		/** @type {Map<number, (event: Event) => void>} handlers of watches, which keep neither the process nor a closing store */
		this.watches = new Map();
		this.lastId = 0;
		this.poller = pollerFor(this);
		/** True if it keeps the process alive. */
		this.isHeld = false;
		/** True if that will end in the next turn of the event loop, if it can. */
		this.isReleasing = false;
		/** True if the events that there are will be handled in the next turn of the event loop. */
		this.isResting = false;
		/** @type {(() => void) | undefined} */
		this.whenIdle = undefined;
		/** @type {(() => void)[]} called when it is closed */
		this.ends = [];
		/** @type {(() => void) | undefined} called when it is closed although it is in use, because the process ends */
		this.whenLost = undefined;
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
		this.native.open(id, kind, kind === "readOnly" ? undefined : backup?.core);
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
	 * @param {(error: Error | undefined, restored?: Restore) => void} callback
	 */
	restore(target, callback) {
		const id = this.expectOne(({ error, restored }) =>
			callback(error && toError(error), restored && toRestore(restored)),
		);
		this.native.restore(id, target);
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
	 * @returns {Stored | undefined} `undefined` if it has to be read otherwise: a lock is held, or it cannot be read
	 */
	readOneAtOnce({ key, community }, now, isFileSeen) {
		const found = this.native.readOneNow(key, community, now, isFileSeen);
		if (typeof found === "string") {
			return { text: found, expiresAt: undefined };
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
	 * @returns {RowSlice | undefined} the rows; `undefined` if it has to be read otherwise
	 */
	readSqlNow(statement, isFileSeen) {
		const batch = emptyBatch();
		pushStatement(batch, statement);
		const found = this.native.readSqlNow(batch.texts, Float64Array.from(batch.numbers), batch.blobs, isFileSeen);
		return typeof found === "string" ? { json: found } : (found ?? undefined);
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
		const closed = () => {
			this.forget();
			callback();
		};
		this.native.close(this.expectOne(closed));
	}

	/** Has nothing done for it at the end of the process any more. */
	forget() {
		for (const end of this.ends.splice(0)) {
			end();
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
	 * Waits for an event without returning to the event loop, and handles it.
	 *
	 * @param {number} waitMs
	 * @returns {boolean} whether there was one
	 */
	waitForEvent(waitMs) {
		const event = this.native.nextEvent(waitMs);
		if (event) {
			this.handle(event);
		}
		return event !== null;
	}

	/**
	 * Handles the events that there are. Many rows are handled in several turns of the event loop, also if more of them
	 * arrive meanwhile: Node calls back for what arrives while it calls back.
	 */
	dispatch() {
		if (this.isResting) {
			return;
		}
		let length = 0;
		for (let event = this.native.nextEvent(0); event; event = this.native.nextEvent(0)) {
			this.handle(event);
			length += event.rows?.json.length ?? 0;
			if (length > ROWS_LENGTH_MAX) {
				this.isResting = true;
				nextTurn(() => {
					this.isResting = false;
					this.dispatch();
				});
				return;
			}
		}
	}

	/**
	 * @param {Event} event
	 */
	handle(event) {
		if (event.id === NO_REQUEST) {
			this.notices?.take(event, this);
			return;
		}
		const handler = this.handlers.get(event.id);
		if (handler === undefined) {
			this.watches.get(event.id)?.(event);
		} else if (handler(event)) {
			this.handlers.delete(event.id);
			if (this.handlers.size === 0) {
				this.releaseSoon();
				const { whenIdle } = this;
				this.whenIdle = undefined;
				whenIdle?.();
			}
		}
	}

	/**
	 * Numbers a request.
	 *
	 * @override
	 * @param {EventHandler} handler
	 * @returns {number}
	 */
	expect(handler) {
		if (!this.isHeld) {
			this.isHeld = true;
			busy.add(this);
			this.native.hold(true);
		}
		const id = this.nextId();
		this.handlers.set(id, handler);
		return id;
	}

	/**
	 * Lets the process end, unless there is another request by the next turn: of writes one after another, each would else
	 * wait for the thread that wakes this one.
	 */
	releaseSoon() {
		if (!this.isReleasing) {
			this.isReleasing = true;
			nextTurn(() => {
				this.isReleasing = false;
				if (this.handlers.size === 0) {
					this.isHeld = false;
					busy.delete(this);
					this.native.hold(false);
				}
			});
		}
	}

	nextId() {
		this.lastId = (this.lastId + 1) >>> 0;
		if (this.lastId === NO_REQUEST) {
			this.lastId++;
		}
		return this.lastId;
	}

	/**
	 * Watches keys. The events are `started` if the snapshot was taken later, `done` when all is known of the keys, one
	 * `changed` for each call of `nextChanges`, and `failed`.
	 *
	 * @param {WatchScope} scope
	 * @param {(event: Event) => void} handler
	 * @returns {{ id: number, isStarted: boolean }}
	 */
	watch({ keys, range, community }, handler) {
		const id = this.nextId();
		this.watches.set(id, handler);
		const isStarted = this.native.watch(id, keys, range.from, range.to, community, Date.now());
		return { id, isStarted };
	}

	/**
	 * Asks a watch for what has changed, as soon as something has.
	 *
	 * @param {number} id
	 */
	nextChanges(id) {
		this.native.watchNext(id, Date.now());
	}

	/**
	 * Ends a watch.
	 *
	 * @param {number} id
	 */
	unwatch(id) {
		if (this.watches.delete(id)) {
			this.native.unwatch(id);
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
