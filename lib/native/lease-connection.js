"use strict";

const { RootcellarError, toError } = require("../base/errors.js");
const { columnsOf, lookupHandler, selectHandler } = require("./key-requests.js");
const { encodeReads, encoded, rowsHandler } = require("./sql-requests.js");

/**
 * @typedef {InstanceType<typeof import("./connection.js").Connection>} Connection
 * @typedef {import("./addon").Event} Event
 * @typedef {import("./addon").Failure} Failure
 */

/**
 * What becomes of a lease.
 *
 * @typedef {object} LeaseEvents
 * @property {(connection: LeaseConnection) => void} begun it can be used
 * @property {(error: Error | undefined) => void} ended it is over, of itself if there is an error
 */

/**
 * The writing connection while one user has it. It takes the place of a store's connection in the queue of a
 * transaction; what is asked of it is answered in the order in which it is asked.
 */
class LeaseConnection {
	/**
	 * @param {Connection} connection
	 * @param {number} lease
	 */
	constructor(connection, lease) {
		this.connection = connection;
		this.lease = lease;
		/** @type {Error | undefined} why it is over */
		this.error = undefined;
		/** @type {Set<(error: Error) => void>} told when it ends of itself */
		this.whenEnded = new Set();
	}

	get native() {
		return this.connection.native;
	}

	/**
	 * @param {import("./addon").Batch} batch
	 * @param {number} epoch how often a batch that ended early was heard of
	 * @param {number} now milliseconds since 1970 UTC
	 * @param {(event: Event) => void} callback
	 */
	submit(batch, epoch, now, callback) {
		const id = this.expect((event) => {
			callback(event);
			return true;
		});
		this.native.submitSql(id, this.lease, epoch, encoded(batch), now, false);
	}

	/**
	 * @param {import("../cache/coherent-cache.js").Address[]} addresses
	 * @param {number} now milliseconds since 1970 UTC
	 * @param {boolean} _isFileSeen
	 * @param {import("./key-requests.js").Found} callback
	 * @returns {boolean} whether it was at once
	 */
	read(addresses, now, _isFileSeen, callback) {
		const { keys, communities } = columnsOf(addresses);
		this.native.leaseRead(this.expect(lookupHandler(callback)), this.lease, keys, communities, now);
		return false;
	}

	/** At the end of the process a lease is given up by whoever waits for it, and nothing of it is to be waited for. */
	waitForEvent() {
		return false;
	}

	/**
	 * @param {import("./key-requests.js").Select} select
	 * @param {number} now milliseconds since 1970 UTC
	 * @param {import("./key-requests.js").SelectCallbacks} callbacks
	 * @returns {boolean} whether what is asked later comes after it
	 */
	select({ pattern, community, valuesOnly }, now, callbacks) {
		const id = this.expect(selectHandler(callbacks));
		this.native.leaseSelect(id, this.lease, pattern, community, valuesOnly, now);
		return true;
	}

	/**
	 * @param {import("./sql-requests.js").Read[]} reads
	 * @returns {boolean} whether what is asked later comes after them
	 */
	readSql(reads) {
		const ids = reads.map((read) => this.expect(rowsHandler(read)));
		return this.native.readSql(ids, this.lease, encodeReads(reads));
	}

	/**
	 * Begins (0), keeps (1) or undoes (2) a nested transaction.
	 *
	 * @param {0 | 1 | 2} action
	 * @param {number} depth
	 * @param {(error?: Error) => void} callback
	 */
	savepoint(action, depth, callback) {
		this.native.leaseSavepoint(this.expectDone(callback), this.lease, action, depth);
	}

	/**
	 * @param {boolean} commit
	 * @param {(error?: Error) => void} callback
	 */
	end(commit, callback) {
		this.native.leaseEnd(this.expectDone(callback), this.lease, commit);
	}

	/**
	 * @param {(error?: Error) => void} callback
	 */
	expectDone(callback) {
		return this.expect(({ error }) => {
			callback(error && toError(error));
			return true;
		});
	}

	/**
	 * Numbers a request. One that a lease does not answer any more fails with what it ended with.
	 *
	 * @param {(event: Event) => boolean} handler
	 */
	expect(handler) {
		return this.connection.expect((event) => {
			if (event.error?.code === "ERR_INTERNAL" && this.error) {
				const { code, message } = /** @type {InstanceType<typeof RootcellarError>} */ (this.error);
				return handler({ ...event, error: { code, message } });
			}
			return handler(event);
		});
	}

	/**
	 * @param {Error | undefined} error
	 */
	ended(error) {
		this.error = error ?? closedError();
		for (const callback of this.whenEnded) {
			callback(this.error);
		}
		this.whenEnded.clear();
	}
}

/**
 * Asks for the writing connection.
 *
 * @param {Connection} connection
 * @param {number} kind as `src/node/sql.rs` has it
 * @param {number} idleLimitMs
 * @param {LeaseEvents} events
 * @returns {{ limit(idleLimitMs: number): void, abort(timedOut: boolean): void }}
 */
function requestLease(connection, kind, idleLimitMs, { begun, ended }) {
	/** @type {LeaseConnection | undefined} */
	let lease;
	/** @type {Failure | undefined} */
	let failure;
	const id = connection.expect((event) => {
		if (event.kind === "leased") {
			lease = new LeaseConnection(connection, event.id);
			begun(lease);
		} else if (event.kind === "failed") {
			failure = event.error;
		} else {
			failure ??= event.error;
			const error = failure && toError(failure);
			lease?.ended(error);
			ended(error);
			return true;
		}
		return false;
	});
	connection.native.lease(id, kind, idleLimitMs);
	return {
		limit: (idleLimit) => connection.native.leaseLimit(id, idleLimit),
		abort: (timedOut) => connection.native.leaseAbort(id, timedOut),
	};
}

function closedError() {
	return new RootcellarError("ERR_TRANSACTION_CLOSED", "the transaction or connection has ended");
}

module.exports = { LeaseConnection, closedError, requestLease };
