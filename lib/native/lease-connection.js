"use strict";

const { RootcellarError, toError } = require("../base/errors.js");
const { toArrays } = require("./encode.js");
const { SAVEPOINT_BEGIN, SAVEPOINT_RELEASE, SAVEPOINT_ROLLBACK } = require("./protocol.js");
const { Requests } = require("./requests.js");

/**
 * @typedef {InstanceType<typeof import("./connection.js").Connection>} Connection
 * @typedef {import("../base/key-entry.js").Address} Address
 * @typedef {import("./addon").Event} Event
 * @typedef {import("./addon").Failure} Failure
 * @typedef {import("./decode.js").ValuesReceiver} ValuesReceiver
 * @typedef {import("./encode.js").Batch} Batch
 * @typedef {import("./requests.js").EventHandler} EventHandler
 */

/**
 * Receiver of what happens to a lease.
 *
 * @typedef {object} LeaseReceiver
 * @property {(connection: LeaseConnection) => void} begun it can be used
 * @property {(error: Error | undefined) => void} ended it is over, of itself if there is an error
 */

/**
 * The writing connection, leased to one user. In the queue of a transaction it takes the place of a store's connection;
 * requests are answered in the order in which they are made, so that a snapshot is always taken at once.
 */
class LeaseConnection extends Requests {
	/**
	 * @param {Connection} connection
	 * @param {number} lease
	 */
	constructor(connection, lease) {
		super(connection.native, lease);
		this.connection = connection;
		/** @type {Error | undefined} why it is over */
		this.error = undefined;
		/** @type {Set<(error: Error) => void>} told when it ends of itself */
		this.whenEnded = new Set();
	}

	/**
	 * @param {Batch} batch
	 * @param {number} epoch see `Connection`
	 * @param {number} now milliseconds since 1970 UTC
	 * @param {(event: Event) => void} callback
	 */
	submit(batch, epoch, now, callback) {
		this.native.submitSql(this.expectOne(callback), this.lease, epoch, toArrays(batch), now, false);
	}

	/**
	 * @param {readonly Address[]} addresses
	 * @param {number} now milliseconds since 1970 UTC
	 * @param {boolean} _isFileSeen
	 * @param {ValuesReceiver} receive
	 * @returns {boolean} whether it was at once
	 */
	read(addresses, now, _isFileSeen, receive) {
		this.readLater(addresses, now, receive);
		return false;
	}

	/** At the end of the process a lease is aborted by its owner, and no event of it is to be waited for. */
	waitForEvent() {
		return false;
	}

	/**
	 * Begins a nested transaction.
	 *
	 * @param {number} depth
	 * @param {(error?: Error) => void} callback
	 */
	beginSavepoint(depth, callback) {
		this.native.leaseSavepoint(this.expectDone(callback), this.lease, SAVEPOINT_BEGIN, depth);
	}

	/**
	 * Ends a nested transaction.
	 *
	 * @param {number} depth
	 * @param {boolean} commit
	 * @param {(error?: Error) => void} callback
	 */
	endSavepoint(depth, commit, callback) {
		const action = commit ? SAVEPOINT_RELEASE : SAVEPOINT_ROLLBACK;
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
		return this.expectOne(({ error }) => callback(error && toError(error)));
	}

	/**
	 * Numbers a request. One that the lease does not answer any more fails with the error that ended the lease.
	 *
	 * @override
	 * @param {EventHandler} handler
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
 * Asks for a lease.
 *
 * @param {Connection} connection
 * @param {number} kind `LEASE_RESERVED`, or how its transaction begins
 * @param {number} idleLimitMs
 * @param {LeaseReceiver} receiver
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
