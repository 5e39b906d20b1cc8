"use strict";

/**
 * @typedef {InstanceType<typeof import("../native/requests.js").SqlRead>} SqlRead
 * @typedef {import("./writes.js").Write} Write
 */

/**
 * Fence between writes: those issued before it must be on disk when it runs, those issued after it must not have been
 * sent. These may be sent when `run` has returned true, or called `release`.
 *
 * @typedef {{ kind: "fence", run(release: () => void): boolean, reject(error: unknown): void, isRead: boolean }} Fence
 */

/** Read in SQL, which is a fence, too. Reads that follow each other share a snapshot. */
class ReadOperation {
	/** @type {"read"} */
	kind = "read";

	/**
	 * @param {SqlRead} read
	 */
	constructor(read) {
		this.read = read;
		this.reject = read.reject;
	}
}

/**
 * Lease, of a transaction or a reserved connection: nothing is sent to the writer from its beginning until it is done.
 * Only reads go past it, because they do not see what it has not committed.
 *
 * @typedef {{ kind: "lease", begin(done: () => void): void, abort(): void, drain(): void, reject(error: unknown): void }} LeaseOperation
 */

/** @typedef {Write | Fence | ReadOperation | LeaseOperation} Operation */

/**
 * @param {Operation} operation
 * @returns {operation is Write}
 */
function isWrite(operation) {
	return operation.kind !== "fence" && operation.kind !== "read" && operation.kind !== "lease";
}

module.exports = { ReadOperation, isWrite };
