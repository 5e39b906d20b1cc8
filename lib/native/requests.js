"use strict";

const { RootcellarError, toError } = require("../base/errors.js");
const { rowsHandler, valuesHandler } = require("./decode.js");
const { encodeReads, toColumns } = require("./encode.js");

/**
 * @typedef {import("../base/key-entry.js").Address} Address
 * @typedef {import("./addon").Event} Event
 * @typedef {import("./addon").NativeStore} NativeStore
 * @typedef {import("./decode.js").RowsReceiver} RowsReceiver
 * @typedef {import("./decode.js").ValuesReceiver} ValuesReceiver
 * @typedef {import("./encode.js").CancelToken} CancelToken
 * @typedef {import("./encode.js").Statement} Statement
 */

/**
 * Handler of the events of a request. Returns whether the event was the last.
 *
 * @typedef {(event: Event) => boolean} EventHandler
 */

/**
 * Keys that match a pattern.
 *
 * @typedef {{ pattern: string, community: string | undefined, valuesOnly: boolean }} Select
 */

/**
 * First entries of a range of keys.
 *
 * @typedef {{ span: import("./addon").KeySpan, options: import("./addon").PageOptions }} PageRead
 */

/**
 * Statement that only reads, and the receiver of its rows.
 *
 * @implements {RowsReceiver}
 */
class SqlRead {
	/**
	 * @param {Statement} statement
	 * @param {CancelToken | undefined} cancel
	 * @param {RowsReceiver["slice"]} slice
	 * @param {RowsReceiver["reject"]} reject
	 */
	constructor(statement, cancel, slice, reject) {
		this.statement = statement;
		this.cancel = cancel;
		this.slice = slice;
		this.reject = reject;
		/** @type {RowsReceiver["took"]} */
		this.took = undefined;
	}
}

/**
 * Description of a statement.
 *
 * @typedef {{ columns: string[], isReadonly: boolean }} Description
 */

/**
 * Open cursor of the core: enough of it to close it, and nothing that would keep a store alive.
 *
 * @typedef {{ native: NativeStore, id: number }} Cursor
 */

/**
 * Requests that a store and a lease have in common. Those that take a snapshot return whether it is taken; if not,
 * `started` is called when it is.
 *
 * @abstract
 */
class Requests {
	/**
	 * @param {NativeStore} native
	 * @param {number} lease the number of the lease that they belong to, or `NO_LEASE`
	 */
	constructor(native, lease) {
		this.native = native;
		this.lease = lease;
	}

	/**
	 * Numbers a request.
	 *
	 * @abstract
	 * @param {EventHandler} _handler
	 * @returns {number}
	 */
	expect(_handler) {
		throw new Error("abstract");
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
	 * Reads keys, on a thread that may wait for locks.
	 *
	 * @param {readonly Address[]} addresses
	 * @param {number} now milliseconds since 1970 UTC
	 * @param {ValuesReceiver} receive
	 */
	readLater(addresses, now, receive) {
		const { keys, communities } = toColumns(addresses);
		this.native.readLater(this.expect(valuesHandler(receive)), this.lease, keys, communities, now);
	}

	/**
	 * Reads the keys that match a pattern.
	 *
	 * @param {Select} select
	 * @param {number} now milliseconds since 1970 UTC
	 * @param {RowsReceiver} receiver
	 * @param {() => void} [started]
	 * @returns {boolean}
	 */
	select({ pattern, community, valuesOnly }, now, receiver, started) {
		const id = this.expect(rowsHandler(receiver, started));
		return this.native.select(id, this.lease, pattern, community, valuesOnly, now);
	}

	/**
	 * Reads the first entries of a range.
	 *
	 * @param {PageRead} page
	 * @param {number} now milliseconds since 1970 UTC
	 * @param {RowsReceiver} receiver
	 * @param {() => void} [started]
	 * @returns {boolean}
	 */
	page({ span, options }, now, receiver, started) {
		return this.native.page(this.expect(rowsHandler(receiver, started)), this.lease, span, options, now);
	}

	/**
	 * Counts the keys of a range.
	 *
	 * @param {import("./addon").KeySpan} span
	 * @param {number} now milliseconds since 1970 UTC
	 * @param {RowsReceiver} receiver
	 * @param {() => void} [started]
	 * @returns {boolean}
	 */
	count(span, now, receiver, started) {
		return this.native.count(this.expect(rowsHandler(receiver, started)), this.lease, span, now);
	}

	/**
	 * Reads the values of keys of a scope, all in one snapshot.
	 *
	 * @param {string | undefined} community
	 * @param {string[]} keys
	 * @param {number} now milliseconds since 1970 UTC
	 * @param {RowsReceiver} receiver
	 * @param {() => void} [started]
	 * @returns {boolean}
	 */
	values(community, keys, now, receiver, started) {
		return this.native.values(this.expect(rowsHandler(receiver, started)), this.lease, community, keys, now);
	}

	/**
	 * Starts reads in SQL, all in one snapshot.
	 *
	 * @param {SqlRead[]} reads
	 * @param {() => void} [started]
	 * @returns {boolean}
	 */
	readSql(reads, started) {
		const ids = reads.map((read) => this.expect(rowsHandler(read, started)));
		return this.native.readSql(ids, this.lease, encodeReads(reads));
	}

	/**
	 * Compiles a statement, and describes it.
	 *
	 * @param {string} sql
	 * @param {{ resolve(description: Description): void, reject(error: unknown): void }} promised
	 * @param {() => void} started
	 * @returns {boolean}
	 */
	describe(sql, { resolve, reject }, started) {
		const id = this.expect(({ kind, description, error }) => {
			if (kind === "started") {
				started();
				return false;
			}
			if (description) {
				resolve(description);
			} else {
				reject(error ? toError(error) : new RootcellarError("ERR_INTERNAL", "nothing is described"));
			}
			return true;
		});
		return this.native.describeSql(id, this.lease, sql);
	}

	/**
	 * Opens a cursor, and reads its first slice.
	 *
	 * @param {{ statement: Statement, cancel: CancelToken | undefined }} read
	 * @param {RowsReceiver} receiver of one slice
	 * @param {() => void} started
	 * @returns {{ cursor: Cursor, isStarted: boolean }}
	 */
	openCursor(read, receiver, started) {
		const id = this.expect(oneSlice(rowsHandler(receiver, started)));
		const isStarted = this.native.openCursor(id, this.lease, encodeReads([read]));
		return { cursor: { native: this.native, id }, isStarted };
	}

	/**
	 * Reads the next slice of a cursor.
	 *
	 * @param {Cursor} cursor
	 * @param {RowsReceiver} receiver of one slice
	 */
	fetch({ id }, receiver) {
		this.native.fetch(this.expect(oneSlice(rowsHandler(receiver))), id);
	}

	/**
	 * Cancels an operation.
	 *
	 * @param {CancelToken} cancel
	 * @param {boolean} timedOut
	 * @returns {boolean} whether it had not started: then it never will
	 */
	cancel({ number }, timedOut) {
		return this.native.cancel(number, timedOut);
	}

	/**
	 * Forgets an operation that is over.
	 *
	 * @param {CancelToken} cancel
	 */
	forgetCancel({ number }) {
		this.native.forgetCancel(number);
	}
}

/**
 * @param {Cursor} cursor
 */
function closeCursor({ native, id }) {
	native.closeCursor(id);
}

/**
 * Closes a cursor whose iterator nobody has any more, and forgets what cancels it.
 *
 * @param {Cursor} cursor
 * @param {CancelToken | undefined} cancel
 */
function abandonCursor(cursor, cancel) {
	closeCursor(cursor);
	if (cancel) cursor.native.forgetCancel(cancel.number);
}

/**
 * Handler of a request for one slice, which is its only event but for `started`.
 *
 * @param {EventHandler} handler
 * @returns {EventHandler}
 */
function oneSlice(handler) {
	return (event) => handler(event) || event.kind === "rows";
}

module.exports = { Requests, SqlRead, abandonCursor, closeCursor };
