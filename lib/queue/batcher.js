"use strict";

const { BatchesInFlight } = require("./in-flight.js");
const { toError } = require("../base/errors.js");
const { makeBatch, nextWrites } = require("./next-batch.js");
const { outcomesOf } = require("./sql-job.js");
const { changesOf, forgetRead, needsRead } = require("./writes.js");

/**
 * @typedef {InstanceType<typeof import("../cache/coherent-cache.js").CoherentCache>} CoherentCache
 * @typedef {InstanceType<typeof import("./key-reads.js").KeyReads>} KeyReads
 * @typedef {InstanceType<typeof import("./operations.js").WaitingOperations>} WaitingOperations
 * @typedef {InstanceType<typeof import("./pending-writes.js").PendingWrites>} PendingWrites
 * @typedef {InstanceType<typeof import("../native/lazy-connection.js").LazyConnection>} LazyConnection
 * @typedef {import("../native/addon").Event} Event
 * @typedef {import("./writes.js").KeyChange} KeyChange
 * @typedef {import("./writes.js").Write} Write
 */

/** Sends the writes that wait to the writer, in batches, and takes what becomes of them. */
class BatchSender {
	/**
	 * @param {WaitingOperations} waiting
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
	 * @param {Write} first the first of what waits
	 * @returns {boolean} whether there was anything to do about it
	 */
	send(first) {
		if (!this.inFlight.hasRoomFor(first)) {
			return false;
		}
		const now = Date.now();
		const writes = nextWrites(this.waiting.list, this.inFlight, this.pending.patterns > 0);
		if (writes.length === 0 || !this.readForUpdates(writes, now)) {
			return false;
		}
		const foreignChanges = this.foreignChangesBefore(writes);
		const { batch, encoded, taken } = makeBatch(writes, now, (write, error) => {
			this.reads.add(this.pending.drop(write, error));
		});
		writes.forEach(forgetRead);
		// Only now: an update's function that ends the process must find them, to have them written.
		this.waiting.dropFirst(taken);
		if (this.reads.mustComeFirst) {
			// They must not see what is about to be written.
			this.waiting.putBack(encoded);
		} else if (encoded.length > 0) {
			this.inFlight.add({ writes: encoded, foreignChanges });
			this.connection.opened.submit(batch, this.inFlight.epoch, now, (event) => this.ended(event));
		}
		return true;
	}

	/**
	 * How many changes of others the cache had seen when the first was read of what the updates start from.
	 *
	 * @param {Write[]} writes
	 */
	foreignChangesBefore(writes) {
		return writes
			.flatMap(changesOf)
			.reduce((least, { onDisk }) => Math.min(least, onDisk?.foreignChanges ?? least), this.cache.foreignChanges);
	}

	/**
	 * Reads what updates start from, where no change of the same batch comes before.
	 *
	 * @param {Write[]} writes
	 * @param {number} now milliseconds since 1970 UTC
	 * @returns {boolean} whether that is done
	 */
	readForUpdates(writes, now) {
		/** @type {KeyChange[]} */
		const changes = [];
		for (const { change } of writes.filter(needsRead)) {
			const stored = this.cache.get(change.community, change.key);
			if (stored === undefined) {
				changes.push(change);
			} else {
				change.onDisk = { error: undefined, stored, foreignChanges: this.cache.foreignChanges };
			}
		}
		if (changes.length === 0) {
			return true;
		}
		const foreignChanges = this.cache.foreignChanges;
		return this.reads.lookUp(changes, now, (found, errorAt) => {
			for (const [index, change] of changes.entries()) {
				const error = errorAt(index);
				if (error || index < found.length) {
					change.onDisk = { error, stored: found[index], foreignChanges };
				}
			}
		});
	}

	/**
	 * The oldest batch in flight has ended.
	 *
	 * @param {Event} event
	 */
	ended(event) {
		const { stop, error } = event;
		const { committed, foreignChanges, stoppedAt, failed } = this.inFlight.ended(event);
		this.reads.add(this.pending.commit(committed, foreignChanges, outcomesOf(event)));
		if (stop === "conflict" && stoppedAt) {
			// Where the cache itself is at odds with the file, the next attempt must not start from it again.
			for (const change of changesOf(stoppedAt)) {
				this.cache.delete(change);
			}
		}
		if (error) {
			if (stop === undefined) {
				// Whether anything was written is not known.
				this.cache.clear();
			}
			for (const write of failed) {
				this.reads.add(this.pending.drop(write, toError(error)));
			}
		}
		this.waiting.putBack(this.inFlight.takeLeftUndone());
		this.connection.checkForeignCopies();
		this.whenEnded();
	}
}

module.exports = { BatchSender };
