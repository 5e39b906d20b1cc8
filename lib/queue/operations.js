"use strict";

const { READS_AT_ONCE_MAX } = require("../base/limits.js");

/**
 * @typedef {import("../native/sql-requests.js").Read} Read
 * @typedef {import("./writes.js").Write} Write
 */

/**
 * Something that has to happen between the writes issued before it, which must be on disk by then, and those
 * issued after it, which must not have been sent. These may be when `run` has returned true, or called `release`.
 *
 * @typedef {{ kind: "fence", run(release: () => void): boolean, reject(error: unknown): void, isRead: boolean }} Fence
 */

/**
 * A read in SQL, which is a fence, too. Those that follow each other share a snapshot.
 *
 * @typedef {{ kind: "read", read: Read, reject(error: unknown): void }} SqlRead
 */

/**
 * A transaction or a reserved connection: nothing is sent to the writer from when it begins until it is done. Only
 * reads go past it, for they do not see what it has not committed.
 *
 * @typedef {{ kind: "lease", begin(done: () => void): void, abort(): void, drain(): void, reject(error: unknown): void }} LeaseOperation
 */

/** @typedef {Write | Fence | SqlRead | LeaseOperation} Operation */

/** What was issued and has not been begun, in the order of issue. */
class WaitingOperations {
	constructor() {
		/** @type {Operation[]} */
		this.list = [];
	}

	/**
	 * @param {Operation} operation
	 */
	add(operation) {
		this.list.push(operation);
	}

	/**
	 * Puts writes first that have been taken before and are still to be done.
	 *
	 * @param {Write[]} writes
	 */
	putBack(writes) {
		if (writes.length > 0) {
			this.list = [...writes, ...this.list];
		}
	}

	/**
	 * @param {number} count
	 */
	dropFirst(count) {
		this.list.splice(0, count);
	}

	/**
	 * @param {number} at
	 */
	removeAt(at) {
		this.list.splice(at, 1);
	}

	/**
	 * @param {Operation | undefined} operation
	 */
	remove(operation) {
		this.list = this.list.filter((other) => other !== operation);
	}

	/** @returns {Operation[]} all, in place of which there is nothing */
	takeAll() {
		return this.list.splice(0);
	}

	/** Where the first stands that may go past a lease; where nothing stands, if there is none. */
	firstPastLease() {
		const at = this.list.findIndex((operation) => operation.kind !== "lease");
		const first = this.list[at];
		const canPass = first?.kind === "read" || (first?.kind === "fence" && first.isRead);
		return canPass ? at : this.list.length;
	}

	/**
	 * Takes the reads in SQL that follow each other. Those that were cancelled are rejected.
	 *
	 * @param {number} at where the first of them stands
	 * @returns {Read[]} the others
	 */
	takeReads(at) {
		let end = at;
		/** @type {Read[]} */
		const reads = [];
		for (let next = this.list[end]; next?.kind === "read" && end - at < READS_AT_ONCE_MAX; next = this.list[end]) {
			end++;
			if (next.read.cancel?.error) {
				next.reject(next.read.cancel.error);
			} else {
				reads.push(next.read);
			}
		}
		this.list.splice(at, end - at);
		return reads;
	}

	/** Whether anything waits that a read would wait for. */
	hasBarriers() {
		return this.list.some(({ kind }) => kind !== "read" && kind !== "lease");
	}
}

/**
 * @param {Operation} operation
 * @returns {operation is Write}
 */
function isWrite(operation) {
	return operation.kind !== "fence" && operation.kind !== "read" && operation.kind !== "lease";
}

module.exports = { WaitingOperations, isWrite };
