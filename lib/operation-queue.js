"use strict";

const { emptyBatch } = require("./batch.js");
const { CoherentCache } = require("./coherent-cache.js");
const { toError } = require("./connection.js");
const { RootcellarError } = require("./errors.js");
const { flushAtExit, flushed, isExiting } = require("./exit.js");
const {
	BATCHES_IN_FLIGHT_MAX,
	BATCH_LENGTH_MAX,
	BATCH_OPERATIONS_MAX,
	BATCH_OPERATIONS_MIN,
	EXIT_WAIT_MS,
	READ_COST,
} = require("./limits.js");
const { Change, PendingChanges, answer, liveText } = require("./pending-changes.js");
const { Session } = require("./session.js");
const { nextTurn } = require("./turns.js");
const { changesOf, encodeWrite, lengthOf, needsRead } = require("./writes.js");

const resolved = Promise.resolve();

/**
 * @typedef {import("./arguments.js").Entry} Entry
 * @typedef {import("./coherent-cache.js").Address} Address
 * @typedef {import("./config.js").Location} Location
 * @typedef {import("./native").Event} Event
 * @typedef {import("./pending-changes.js").Read} Read
 * @typedef {import("./read-cache.js").Stored} Stored
 * @typedef {import("./writes.js").KeyChange} KeyChange
 * @typedef {import("./writes.js").Promised} Promised
 * @typedef {import("./writes.js").Write} Write
 */

/**
 * A batch that the writer has, and how many changes of others the cache had seen when it was sent.
 *
 * @typedef {{ writes: Write[], changesOfOthers: number }} Sent
 */

/**
 * Something that has to happen between the writes issued before it, which must be on disk by then, and those
 * issued after it, which must not have been sent.
 *
 * @typedef {{ kind: "fence", run(): void, reject(error: unknown): void }} Fence
 */

/**
 * The order of a store's operations.
 *
 * Writes wait here in the order of issue, and cross to the writer in batches. A few of them may be under way: what
 * each operation builds on is an earlier change that is, or what is on disk. When a batch ends early, the writer carries
 * out none of those behind it. All of them come back here, and what they have left undone goes first in the next.
 */
class OperationQueue {
	/**
	 * @param {() => Location} locate called at the first operation
	 * @param {number} cacheBytes
	 */
	constructor(locate, cacheBytes) {
		this.session = new Session(locate);
		this.cache = new CoherentCache(cacheBytes);
		/** @type {(Write | Fence)[]} */
		this.queue = [];
		/** @type {Sent[]} oldest first */
		this.inFlight = [];
		/** How often a batch that ended early was heard of. */
		this.attempt = 0;
		/** One has, and those behind it have still to come back. */
		this.isHalted = false;
		/** @type {Write[]} what they have left undone */
		this.leftUndone = [];
		/** @type {Read[]} reads of keys that no pending write concerns */
		this.reads = [];
		this.changes = new PendingChanges();
		this.pendingPatterns = 0;
		/** A read is under way that writes issued after it must wait for. */
		this.blocked = false;
		this.scheduled = false;
		this.isFlushing = false;
		/** @type {Promise<void> | undefined} */
		this.closing = undefined;
	}

	/**
	 * @param {Read} read
	 */
	get(read) {
		this.checkOpen();
		const change = this.changes.last(read.community, read.key);
		if (this.pendingPatterns > 0) {
			// Which keys the pattern takes is for the writer to tell.
			this.fence(() => this.readNow([read]), read.reject);
		} else if (change) {
			change.addRead(read);
		} else if (!this.answerFromCache(read)) {
			this.reads.push(read);
			this.schedule();
		}
	}

	/**
	 * @param {Read} read one of a key that no pending write concerns
	 * @returns {boolean} whether the cache had the answer
	 */
	answerFromCache(read) {
		const stored = this.cache.get(read.community, read.key);
		if (stored === undefined) {
			return false;
		}
		answer(read, stored.expiresAt === undefined ? stored.text : liveText(stored, Date.now()));
		return true;
	}

	/**
	 * @param {{ pattern: string, community: string | undefined, valuesOnly: boolean }} select
	 * @param {{ slice(text: string, last: boolean): void, failed(error: unknown): void }} callbacks
	 */
	select(select, { slice, failed }) {
		this.checkOpen();
		const run = () => {
			const started = () => this.unblock();
			this.blocked = !this.session.connection.select(select, Date.now(), { started, slice, failed });
		};
		this.fence(run, failed);
	}

	/**
	 * @param {Entry} entry
	 * @param {Promised} promised
	 */
	set(entry, { resolve, reject }) {
		this.checkOpen();
		this.push({ kind: "set", change: this.change(entry), entry, resolve, reject });
	}

	/**
	 * @param {Entry[]} entries
	 * @param {Promised} promised
	 */
	setMany(entries, { resolve, reject }) {
		this.checkOpen();
		const changes = entries.map((entry) => this.change(entry));
		this.push({ kind: "setMany", changes, entries, resolve, reject });
	}

	/**
	 * @param {string | undefined} community
	 * @param {string} key
	 * @param {{ updateFunc: (data: any) => unknown, defaultText: string | undefined, expiresAt: number | undefined }} update
	 * @param {Promised} promised
	 */
	update(community, key, { updateFunc, defaultText, expiresAt }, { resolve, reject }) {
		this.checkOpen();
		const change = this.change({ community, key, text: undefined, expiresAt: undefined });
		const update = { updateFunc, defaultText, expiresAt, made: undefined, isRunning: false };
		this.push({ kind: "update", change, update, resolve, reject });
	}

	/**
	 * @param {string | undefined} community
	 * @param {string} key
	 * @param {Promised} promised
	 */
	delete(community, key, { resolve, reject }) {
		this.checkOpen();
		const change = this.change({ community, key, text: undefined, expiresAt: undefined });
		this.push({ kind: "delete", change, resolve, reject });
	}

	/**
	 * @param {string | undefined} community
	 * @param {string} pattern
	 * @param {Promised} promised
	 */
	deleteLike(community, pattern, { resolve, reject }) {
		this.checkOpen();
		this.pendingPatterns++;
		this.push({ kind: "deleteLike", pattern, community, resolve, reject });
	}

	/**
	 * @returns {Promise<void>}
	 */
	close() {
		this.closing ??= new Promise((resolve) => {
			const dispose = () => {
				this.blocked = true;
				this.cache.detach();
				this.session.dispose(resolve);
			};
			if (this.session.state === "closed" && !this.hasWork()) {
				dispose();
			} else {
				this.fence(dispose, dispose);
			}
		});
		return this.closing;
	}

	/** @throws `ERR_STORE_CLOSED` after `close` */
	checkOpen() {
		if (this.closing) {
			throw new RootcellarError("ERR_STORE_CLOSED", "the store is closed");
		}
	}

	/**
	 * @param {{ community: string | undefined, key: string, text: string | undefined, expiresAt: number | undefined }} entry
	 */
	change({ community, key, text, expiresAt }) {
		const change = new Change(community, key, text, expiresAt);
		this.changes.add(change);
		return change;
	}

	/**
	 * @param {() => void} run
	 * @param {(error: unknown) => void} reject
	 */
	fence(run, reject) {
		this.push({ kind: "fence", run, reject });
	}

	/**
	 * @param {Write | Fence} operation
	 */
	push(operation) {
		this.queue.push(operation);
		this.schedule();
	}

	/** Sends what is waiting, after everything that this turn still issues. */
	schedule() {
		if (isExiting()) {
			this.flush();
			return;
		}
		if (this.scheduled) {
			return;
		}
		this.scheduled = true;
		const flush = () => {
			this.scheduled = false;
			this.advance();
		};
		if (this.cache.isSpent) {
			nextTurn(flush);
		} else {
			// Two turns of the promises, so that what is issued behind another await goes along.
			resolved.then(noop).then(flush);
		}
		flushAtExit(this);
	}

	hasWork() {
		return this.queue.length > 0 || this.inFlight.length > 0 || this.reads.length > 0;
	}

	/** Does what can be done now. Called whenever that may have changed. */
	advance() {
		if (this.session.state !== "open") {
			if (this.hasWork()) {
				this.open();
			}
			return;
		}
		while (!this.blocked) {
			if (this.reads.length > 0) {
				this.readNow(this.reads.splice(0));
			} else if (this.queue[0]?.kind === "fence" && this.inFlight.length === 0) {
				/** @type {Fence} */ (this.queue.shift()).run();
			} else if (!this.canSend() || !this.sendBatch()) {
				break;
			}
		}
		if (!this.hasWork()) {
			flushed(this);
		}
	}

	canSend() {
		return this.queue.length > 0 && !this.isHalted && this.inFlight.length < BATCHES_IN_FLIGHT_MAX;
	}

	hasPatternInFlight() {
		return this.pendingPatterns > 0 && this.inFlight.some(({ writes }) => writes.some(isPattern));
	}

	unblock() {
		this.blocked = false;
		this.advance();
	}

	open() {
		this.session.open((error) => {
			if (error) {
				this.rejectAll(error);
			} else {
				this.cache.attach(this.session.connection);
			}
			this.advance();
		});
	}

	/**
	 * The file cannot be opened: nothing that was issued until now can be done. The next operation tries again.
	 *
	 * @param {unknown} error
	 */
	rejectAll(error) {
		const operations = this.queue.splice(0);
		const reads = this.reads.splice(0);
		for (const operation of operations) {
			if (operation.kind === "fence") {
				operation.reject(error);
			} else {
				append(reads, this.drop(operation, error));
			}
		}
		for (const read of reads) {
			read.reject(error);
		}
		flushed(this);
	}

	/**
	 * @param {Read[]} reads
	 */
	readNow(reads) {
		const now = Date.now();
		const missed = reads.filter((read) => !this.answerFromCache(read));
		if (missed.length === 0) {
			return;
		}
		this.readKeys(missed, now, (found, errorAt) => {
			for (const [index, read] of missed.entries()) {
				const stored = found[index];
				const error = errorAt(index);
				if (error) {
					read.reject(error);
				} else if (stored) {
					answer(read, liveText(stored, now));
				} else {
					this.reads.push(read);
				}
			}
		});
	}

	/**
	 * Reads keys from disk, and lets nothing be written before that is done.
	 *
	 * @param {Address[]} addresses
	 * @param {number} now
	 * @param {(found: Stored[], errorAt: (index: number) => Error | undefined) => void} callback
	 */
	readKeys(addresses, now, callback) {
		this.cache.spend(READ_COST * addresses.length);
		let isLate = false;
		const { connection } = this.session;
		const isDone = connection.read(addresses, now, this.cache.isFileSeen, (found, errorAt) => {
			for (const [index, stored] of found.entries()) {
				if (!isLate && errorAt(index) === undefined) {
					this.cache.fill(/** @type {Address} */ (addresses[index]), stored);
				}
			}
			callback(found, errorAt);
			if (this.blocked) {
				this.unblock();
			}
		});
		// The cache may have moved on when what is read later arrives.
		isLate = true;
		this.blocked = !isDone;
	}

	/**
	 * Sends the writes at the head of the queue.
	 *
	 * @returns {boolean} whether there was anything to do about them
	 */
	sendBatch() {
		const now = Date.now();
		const writes = this.nextWrites();
		if (writes.length === 0 || !this.readForUpdates(writes, now)) {
			return false;
		}
		const batch = emptyBatch();
		/** @type {Write[]} */
		const sent = [];
		/** @type {Read[]} */
		const reads = [];
		let taken = 0;
		// What the updates start from may have been read before others wrote.
		const changesOfOthers = writes
			.flatMap(changesOf)
			.reduce((least, { onDisk }) => Math.min(least, onDisk?.changesOfOthers ?? least), this.cache.changes);
		for (const write of writes) {
			if (batch.length >= BATCH_LENGTH_MAX || needsRead(write)) {
				break;
			}
			taken++;
			try {
				encodeWrite(batch, write, now);
				sent.push(write);
			} catch (error) {
				append(reads, this.drop(write, error));
			}
		}
		writes.forEach(forgetRead);
		if (reads.length > 0) {
			this.readNow(reads);
		}
		// Only now: an update's function that ends the process must find them, to have them written.
		this.queue.splice(0, taken);
		if (this.blocked || this.reads.length > 0) {
			// Reads come first that must not see what is about to be written.
			this.queue = [...sent, ...this.queue];
		} else if (sent.length > 0) {
			this.inFlight.push({ writes: sent, changesOfOthers });
			for (const change of sent.flatMap(changesOf)) {
				change.isSent = true;
			}
			this.session.connection.submit(batch, this.attempt, now, (event) => this.batchEnded(event));
		}
		return true;
	}

	/** @returns {Write[]} the writes from the head of the queue that can go together */
	nextWrites() {
		/** @type {Write[]} */
		const writes = [];
		let length = 0;
		let hasPattern = this.hasPatternInFlight();
		const share = Math.ceil(this.queue.length / BATCHES_IN_FLIGHT_MAX);
		const limit = Math.min(Math.max(share, BATCH_OPERATIONS_MIN), BATCH_OPERATIONS_MAX);
		for (const operation of this.queue) {
			const isFull = writes.length >= limit || length >= BATCH_LENGTH_MAX;
			if (operation.kind === "fence" || isFull || this.overtakesReads(operation)) {
				break;
			}
			// What an update behind a pattern starts from is known when the pattern has been carried out.
			if (operation.kind === "update" && hasPattern) {
				break;
			}
			hasPattern ||= isPattern(operation);
			length += lengthOf(operation);
			writes.push(operation);
		}
		return writes;
	}

	/**
	 * Whether a write would be seen by reads that were issued before it, and wait for a change that is under way.
	 *
	 * @param {Write} write
	 */
	overtakesReads(write) {
		if (isPattern(write)) {
			return this.inFlight.some(({ writes }) => writes.flatMap(changesOf).some(hasLateReads));
		}
		return changesOf(write).some((change) => hasLateReads(change.pendingBefore()));
	}

	/**
	 * Reads what updates start from, where no change of the same batch comes before.
	 *
	 * @param {Write[]} writes
	 * @param {number} now
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
				change.onDisk = { error: undefined, stored, changesOfOthers: this.cache.changes };
			}
		}
		if (changes.length > 0) {
			const changesOfOthers = this.cache.changes;
			this.readKeys(changes, now, (found, errorAt) => {
				for (const [index, change] of changes.entries()) {
					const error = errorAt(index);
					if (error || index < found.length) {
						change.onDisk = { error, stored: found[index], changesOfOthers };
					}
				}
			});
		}
		return !this.blocked;
	}

	/**
	 * The oldest batch under way has ended.
	 *
	 * @param {Event} event
	 */
	batchEnded({ committed = 0, stop, error }) {
		const { writes, changesOfOthers } = /** @type {Sent} */ (this.inFlight.shift());
		this.commitAll(writes.splice(0, committed), changesOfOthers);
		if (stop !== undefined || error !== undefined) {
			this.isHalted = true;
		}
		if (stop === "conflict") {
			// Where the cache itself is at odds with the file, the next attempt must not start from it again.
			for (const change of writes.slice(0, 1).flatMap(changesOf)) {
				this.cache.delete(change);
			}
		}
		if (error) {
			if (stop === undefined) {
				// Whether anything was written is not known.
				this.cache.clear();
			}
			// Either the first of the rest is to blame, or the transaction, and with it all of them.
			const rejected = writes.splice(0, stop === "command" ? 1 : writes.length);
			for (const write of rejected) {
				append(this.reads, this.drop(write, toError(error)));
			}
		}
		for (const change of writes.flatMap(changesOf)) {
			change.unsend();
		}
		append(this.leftUndone, writes);
		if (this.isHalted && this.inFlight.length === 0) {
			this.isHalted = false;
			this.attempt++;
			this.queue = [...this.leftUndone.splice(0), ...this.queue];
		}
		this.session.checkForeignCopies();
		this.advance();
	}

	/**
	 * Writes are on disk.
	 *
	 * @param {Write[]} writes
	 * @param {number} changesOfOthers how many the cache had seen when they were sent
	 */
	commitAll(writes, changesOfOthers) {
		const now = Date.now();
		const isAlone = this.cache.isAloneSince(changesOfOthers);
		/** @type {Read[]} */
		const lateReads = [];
		for (const write of writes) {
			if (write.kind === "deleteLike") {
				this.pendingPatterns--;
				this.cache.clear();
			}
			for (const change of changesOf(write)) {
				this.cache.committed(change, isAlone);
				append(lateReads, this.changes.commit(change, now));
			}
			write.resolve(write.kind === "update" ? write.update.made?.result : undefined);
		}
		append(this.reads, lateReads);
	}

	/**
	 * A write had no effect.
	 *
	 * @param {Write} write
	 * @param {unknown} error
	 * @returns {Read[]} reads that waited for it and have to be read from disk
	 */
	drop(write, error) {
		if (write.kind === "deleteLike") {
			this.pendingPatterns--;
		}
		write.reject(error);
		return changesOf(write).flatMap((change) => this.changes.drop(change));
	}

	/** Writes what was issued, without returning to the event loop. */
	flush() {
		if (this.isFlushing) {
			return;
		}
		this.isFlushing = true;
		do {
			this.advance();
		} while (this.hasWork() && this.session.current?.waitForEvent(EXIT_WAIT_MS));
		this.isFlushing = false;
	}
}

function noop() {}

/**
 * @param {KeyChange | undefined} change
 */
function hasLateReads(change) {
	return change !== undefined && change.lateReads.length > 0;
}

/**
 * @param {Write} write
 */
function isPattern(write) {
	return write.kind === "deleteLike";
}

/**
 * What was read is good for one attempt.
 *
 * @param {Write} write
 */
function forgetRead(write) {
	if (write.kind === "update") {
		write.change.onDisk = undefined;
	}
}

/**
 * `list.push(...more)`, for any number of them.
 *
 * @template T
 * @param {T[]} list
 * @param {T[]} more
 */
function append(list, more) {
	for (const one of more) {
		list.push(one);
	}
}

module.exports = { OperationQueue };
