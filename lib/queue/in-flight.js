"use strict";

const { BATCHES_IN_FLIGHT_MAX } = require("../base/limits.js");
const { concernsUnlisted, isAlone } = require("./writes.js");

/**
 * @typedef {import("../native/addon").Event} Event
 * @typedef {import("./writes.js").Write} Write
 */

/**
 * Batch that the writer has, and the cache's count of foreign changes from before it.
 *
 * @typedef {{ writes: Write[], foreignChanges: number }} SentBatch
 */

/**
 * Result of a batch.
 *
 * @typedef {object} EndedBatch
 * @property {Write[]} committed those that are on disk
 * @property {number} foreignChanges
 * @property {Write | undefined} stoppedAt the first of the others
 * @property {Write[]} failed those of them that are not to be tried again
 */

/**
 * Batches that the writer has.
 *
 * A batch may end early. The writer then carries out none of those behind it that were sent by then. All of them come back,
 * and only then is anything sent again, in a new epoch.
 */
class BatchesInFlight {
	constructor() {
		/** @type {SentBatch[]} oldest first */
		this.sent = [];
		/** Number of times that batches came back. */
		this.epoch = 0;
		/** True if a batch ended early, and those behind it have still to come back. */
		this.isHalted = false;
		/** @type {Write[]} writes of theirs that are to be sent again */
		this.leftUndone = [];
	}

	get isEmpty() {
		return this.sent.length === 0;
	}

	/**
	 * True if a batch that begins with a write can be sent.
	 *
	 * @param {Write} first
	 */
	hasRoomFor(first) {
		if (isAlone(first) || this.sent.some(({ writes }) => writes.some(isAlone))) {
			// The writer defers nothing behind it.
			return this.isEmpty;
		}
		return !this.isHalted && this.sent.length < BATCHES_IN_FLIGHT_MAX;
	}

	/** True if there is a write that concerns keys which it does not list among its changes. */
	hasPattern() {
		return this.sent.some(({ writes }) => writes.some(concernsUnlisted));
	}

	/** True if reads wait that are read from disk when a batch has ended. */
	hasLateReads() {
		return this.sent.some(({ writes }) => writes.some(hasLateReadsOf));
	}

	/**
	 * @param {SentBatch} batch
	 */
	add(batch) {
		this.sent.push(batch);
		for (const { changes } of batch.writes) {
			for (const change of changes) {
				change.isSent = true;
				change.foreignChanges = batch.foreignChanges;
				// Its texts are not to be kept for as long as a change is.
				change.batch = undefined;
			}
		}
	}

	/**
	 * Takes the oldest batch, which has ended.
	 *
	 * @param {Pick<Event, "committed" | "stop" | "error">} event
	 * @returns {EndedBatch}
	 */
	ended({ committed: committedCount = 0, stop, error }) {
		const { writes, foreignChanges } = /** @type {SentBatch} */ (this.sent.shift());
		const committed = writes.splice(0, committedCount);
		const stoppedAt = writes[0];
		this.isHalted ||= stop !== undefined || error !== undefined;
		if (stop === "alone" && stoppedAt?.kind === "sql") {
			stoppedAt.isAlone = true;
		}
		// Either the first of the rest is to blame, or the transaction, and with it all of them.
		const failedCount = stop === "command" ? 1 : writes.length;
		const failed = error ? writes.splice(0, failedCount) : [];
		for (const { changes } of writes) {
			for (const change of changes) {
				change.unsend();
			}
		}
		this.leftUndone = this.leftUndone.concat(writes);
		return { committed, foreignChanges, stoppedAt, failed };
	}

	/** @returns {Write[]} the writes that are to be sent again, once all batches have come back */
	takeLeftUndone() {
		if (!this.isHalted || !this.isEmpty) {
			return [];
		}
		this.isHalted = false;
		this.epoch++;
		return this.leftUndone.splice(0);
	}
}

/**
 * True if reads wait that are read from disk when a write has been carried out.
 *
 * @param {Write} write
 */
function hasLateReadsOf(write) {
	return write.changes.some((change) => change.lateReads.length > 0);
}

module.exports = { BatchesInFlight, hasLateReadsOf };
