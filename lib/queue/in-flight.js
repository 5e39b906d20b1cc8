"use strict";

const { BATCHES_IN_FLIGHT_MAX } = require("../base/limits.js");
const { changesOf, concernsAnyKey, isAlone } = require("./writes.js");

/**
 * @typedef {import("../native/addon").Event} Event
 * @typedef {import("./writes.js").Write} Write
 */

/**
 * A batch that the writer has, and how many changes of others the cache had seen when it was sent.
 *
 * @typedef {{ writes: Write[], foreignChanges: number }} Sent
 */

/**
 * What has become of the writes of a batch.
 *
 * @typedef {object} Ended
 * @property {Write[]} committed those that are on disk
 * @property {number} foreignChanges
 * @property {Write | undefined} stoppedAt the first of the others
 * @property {Write[]} failed those of them that are not to be tried again
 */

/**
 * The batches that the writer has.
 *
 * When one ends early, the writer carries out none of those behind it, which were sent by then. All of them come back,
 * and only then is anything sent again.
 */
class BatchesInFlight {
	constructor() {
		/** @type {Sent[]} oldest first */
		this.sent = [];
		/** How often a batch that ended early was heard of. */
		this.epoch = 0;
		/** One has, and those behind it have still to come back. */
		this.isHalted = false;
		/** @type {Write[]} what they have left undone */
		this.leftUndone = [];
	}

	get isEmpty() {
		return this.sent.length === 0;
	}

	/**
	 * Whether a batch that begins with a write can be sent.
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

	/** Whether there is a write of which only the writer can tell which keys it concerns. */
	hasPattern() {
		return this.sent.some(({ writes }) => writes.some(concernsAnyKey));
	}

	/** Whether reads wait that were issued after a change was sent. */
	hasLateReads() {
		return this.sent.some(({ writes }) =>
			writes.some((write) => changesOf(write).some((change) => change.lateReads.length > 0)),
		);
	}

	/**
	 * @param {Sent} batch
	 */
	add(batch) {
		this.sent.push(batch);
		for (const change of batch.writes.flatMap(changesOf)) {
			change.isSent = true;
		}
	}

	/**
	 * The oldest has ended.
	 *
	 * @param {Pick<Event, "committed" | "stop" | "error">} event
	 * @returns {Ended}
	 */
	ended({ committed: committedCount = 0, stop, error }) {
		const { writes, foreignChanges } = /** @type {Sent} */ (this.sent.shift());
		const committed = writes.splice(0, committedCount);
		const stoppedAt = writes[0];
		this.isHalted ||= stop !== undefined || error !== undefined;
		if (stop === "alone" && stoppedAt?.kind === "sql") {
			stoppedAt.isAlone = true;
		}
		// Either the first of the rest is to blame, or the transaction, and with it all of them.
		const failedCount = stop === "command" ? 1 : writes.length;
		const failed = error ? writes.splice(0, failedCount) : [];
		for (const change of writes.flatMap(changesOf)) {
			change.unsend();
		}
		this.leftUndone = this.leftUndone.concat(writes);
		return { committed, foreignChanges, stoppedAt, failed };
	}

	/** @returns {Write[]} what is to be sent again, once all of it has come back */
	takeLeftUndone() {
		if (!this.isHalted || !this.isEmpty) {
			return [];
		}
		this.isHalted = false;
		this.epoch++;
		return this.leftUndone.splice(0);
	}
}

module.exports = { BatchesInFlight };
