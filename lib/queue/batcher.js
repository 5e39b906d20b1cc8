"use strict";

const { toError } = require("../base/errors.js");
const {
	BATCHES_IN_FLIGHT_MAX,
	BATCH_LENGTH_MAX,
	BATCH_OPERATIONS_MAX,
	BATCH_OPERATIONS_MIN,
} = require("../base/limits.js");
const { outcomesOf } = require("../native/decode.js");
const { emptyBatch } = require("../native/encode.js");
const { DiskValue } = require("./change.js");
const { BatchesInFlight, hasLateReadsOf } = require("./in-flight.js");
const { isWrite } = require("./operations.js");
const { encodeWrite } = require("./encoding/encode-write.js");
const {
	NO_CHANGES,
	concernsUnlisted,
	forgetRead,
	isAlone,
	isUnread,
	isUpdate,
	lengthOf,
	needsOutcome,
	needsRead,
} = require("./writes.js");

/**
 * @typedef {InstanceType<typeof import("../cache/coherent-cache.js").CoherentCache>} CoherentCache
 * @typedef {InstanceType<typeof import("../native/lazy-connection.js").LazyConnection>} LazyConnection
 * @typedef {InstanceType<typeof import("./reads/key-reads.js").KeyReads>} KeyReads
 * @typedef {InstanceType<typeof import("./pending.js").PendingWrites>} PendingWrites
 * @typedef {import("../native/addon").Event} Event
 * @typedef {import("./operations.js").Operation} Operation
 * @typedef {import("./writes.js").KeyChange} KeyChange
 * @typedef {import("./writes.js").Write} Write
 */

/** Sends the writes that wait to the writer, in batches, and settles them when their batch has ended. */
class Batcher {
	/**
	 * @param {Operation[]} waiting the operations that have not begun, in the order of issue
	 * @param {{ connection: LazyConnection, cache: CoherentCache, reads: KeyReads, pending: PendingWrites }} parts
	 * @param {() => void} whenEnded called when a batch has ended
	 */
	constructor(waiting, { connection, cache, reads, pending }, whenEnded) {
		this.connection = connection;
		this.cache = cache;
		this.reads = reads;
		this.pending = pending;
		this.waiting = waiting;
		this.whenEnded = whenEnded;
		this.inFlight = new BatchesInFlight();
	}

	get isIdle() {
		return this.inFlight.isEmpty;
	}

	/**
	 * Sends a batch.
	 *
	 * @param {Write} first the first operation that waits
	 * @returns {boolean} whether there was anything to do about it
	 */
	send(first) {
		if (!this.inFlight.hasRoomFor(first)) {
			return false;
		}
		const now = Date.now();
		const writes = this.nextWrites();
		if (writes.length === 0 || !this.readForUpdates(writes, now)) {
			return false;
		}
		const foreignChanges = this.foreignChangesBefore(writes);
		const { batch, encoded, taken } = makeBatch(writes, now, (write, error) => {
			this.reads.add(this.pending.drop(write, error));
		});
		writes.slice(0, taken).forEach(forgetRead);
		// Only now: an update's function that ends the process must find them, to have them written.
		this.waiting.splice(0, taken);
		if (this.reads.mustComeFirst) {
			// They must not see the writes of this batch.
			this.waiting.unshift(...encoded);
		} else if (encoded.length > 0) {
			this.inFlight.add({ writes: encoded, foreignChanges });
			this.connection.opened.submit(batch, this.inFlight.epoch, now, (event) => this.ended(event));
		}
		return true;
	}

	/**
	 * The writes, from the first that waits on, that can go together.
	 *
	 * @returns {Write[]}
	 */
	nextWrites() {
		const { waiting, inFlight } = this;
		const hasPatterns = this.pending.hasUnlisted;
		/** @type {Write[]} */
		const writes = [];
		let length = 0;
		let hasPattern = hasPatterns && inFlight.hasPattern();
		let hasLateReads = hasPatterns && inFlight.hasLateReads();
		const share = Math.ceil(waiting.length / BATCHES_IN_FLIGHT_MAX);
		const limit = Math.min(Math.max(share, BATCH_OPERATIONS_MIN), BATCH_OPERATIONS_MAX);
		for (const operation of waiting) {
			const isFull = writes.length >= limit || length >= BATCH_LENGTH_MAX;
			if (!isWrite(operation) || isFull || overtakesReads(operation, hasLateReads)) {
				break;
			}
			// The value that an update behind a pattern starts from is known when the pattern has been carried out.
			if ((hasPattern && isUpdate(operation)) || needsOutcome(operation)) {
				break;
			}
			const isBatch = isAlone(operation) || operation.kind === "bulkSet";
			if (isBatch && writes.length > 0) {
				break;
			}
			hasPattern ||= concernsUnlisted(operation);
			hasLateReads ||= hasPatterns && hasLateReadsOf(operation);
			length += lengthOf(operation);
			writes.push(operation);
			if (isBatch) {
				break;
			}
		}
		return writes;
	}

	/**
	 * The cache's count of foreign changes when the first value was read that the updates start from, or that changes in
	 * flight started from which they build on.
	 *
	 * @param {Write[]} writes
	 */
	foreignChangesBefore(writes) {
		let least = this.cache.foreignChanges;
		for (const write of writes) {
			for (const change of isUpdate(write) ? write.changes : NO_CHANGES) {
				const before = change.pendingBefore();
				const from = before?.isSent ? before : change.onDisk;
				least = Math.min(least, from?.foreignChanges ?? least);
			}
		}
		return least;
	}

	/**
	 * Reads the values that updates start from, where no change of the same batch comes before.
	 *
	 * @param {Write[]} writes
	 * @param {number} now milliseconds since 1970 UTC
	 * @returns {boolean} whether that is done
	 */
	readForUpdates(writes, now) {
		/** @type {KeyChange[]} */
		const changes = [];
		for (const write of writes) {
			for (const change of isUpdate(write) ? write.changes.filter(isUnread) : NO_CHANGES) {
				const stored = this.cache.get(change.community, change.key);
				if (stored === undefined) {
					changes.push(change);
				} else {
					change.onDisk = new DiskValue(undefined, stored, this.cache.foreignChanges);
				}
			}
		}
		if (changes.length === 0) {
			return true;
		}
		const { foreignChanges } = this.cache;
		/** @type {import("../native/decode.js").ValuesReceiver} */
		const receive = (found, errorAt) => {
			for (const [index, change] of changes.entries()) {
				const error = errorAt(index);
				if (error || index < found.length) {
					change.onDisk = new DiskValue(error, found[index], foreignChanges);
				}
			}
		};
		if (this.inFlight.isEmpty && changes.some((change) => change.isContended)) {
			// All that the batch will write is locked together, so that it is in one order.
			const all = new Set([...changes, ...writes.flatMap((write) => write.changes)]);
			if (this.reads.lookUpToChange([...all], receive)) {
				return false;
			}
		}
		return this.reads.lookUp(changes, now, receive);
	}

	/**
	 * Settles the writes of the oldest batch in flight, which has ended.
	 *
	 * @param {Event} event
	 */
	ended(event) {
		const { stop, error } = event;
		const { committed, foreignChanges, stoppedAt, failed } = this.inFlight.ended(event);
		this.reads.add(this.pending.commit(committed, foreignChanges, outcomesOf(event)));
		if (stop === "conflict" && stoppedAt) {
			// The cache itself may be at odds with the file; the next batch must not start from it again.
			for (const change of stoppedAt.changes) {
				this.cache.delete(change);
				change.isContended = true;
			}
		}
		if (error) {
			if (stop === undefined) {
				// It is not known if anything was written.
				this.cache.clear();
			}
			for (const write of failed) {
				this.reads.add(this.pending.drop(write, toError(error)));
			}
		}
		this.waiting.unshift(...this.inFlight.takeLeftUndone());
		this.connection.checkForeignCopies();
		this.whenEnded();
	}
}

/**
 * True if a write would be seen by reads that were issued before it, and wait for a change that is under way.
 *
 * @param {Write} write
 * @param {boolean} hasLateReads whether there are any such reads
 */
function overtakesReads(write, hasLateReads) {
	if (concernsUnlisted(write)) {
		return hasLateReads;
	}
	return write.changes.some((change) => (change.pendingBefore()?.lateReads.length ?? 0) > 0);
}

/**
 * Encodes a batch, for which the functions of updates are called.
 *
 * @param {Write[]} writes
 * @param {number} now milliseconds since 1970 UTC
 * @param {(write: Write, error: unknown) => void} drop told at once, because the writes behind may build on it
 * @returns {{ batch: import("../native/encode.js").Batch, encoded: Write[], taken: number }} the batch, the writes in it,
 *   and how many writes are in it or dropped
 */
function makeBatch(writes, now, drop) {
	const [first] = writes;
	if (first?.kind === "bulkSet") {
		return { batch: first.batch, encoded: [first], taken: 1 };
	}
	const batch = emptyBatch();
	/** @type {Write[]} */
	const encoded = [];
	let taken = 0;
	let hasDropped = false;
	for (const write of writes) {
		// Reads that were issued behind a write that is dropped may now wait for a change that is under way.
		if (batch.length >= BATCH_LENGTH_MAX || needsRead(write) || (hasDropped && overtakesReads(write, true))) {
			break;
		}
		taken++;
		try {
			encodeWrite(batch, write, now);
			encoded.push(write);
		} catch (error) {
			hasDropped = true;
			drop(write, error);
		}
	}
	return { batch, encoded, taken };
}

module.exports = { Batcher };
