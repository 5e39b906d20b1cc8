"use strict";

const { copyOf } = require("../base/errors.js");
const { EXIT_WAIT_MS, READS_AT_ONCE_MAX } = require("../base/limits.js");
const { nextTurn } = require("../process/event-loop.js");
const { flushAtExit, flushNow, flushed, isExiting } = require("../process/exit.js");
const { Batcher } = require("./batcher.js");
const { KeyReads } = require("./reads/key-reads.js");
const { isWrite } = require("./operations.js");
const { SqlReads } = require("./reads/sql-reads.js");

const resolved = Promise.resolve();

/**
 * @typedef {InstanceType<typeof import("../cache/coherent-cache.js").CoherentCache>} CoherentCache
 * @typedef {InstanceType<typeof import("../native/lazy-connection.js").LazyConnection>} LazyConnection
 * @typedef {InstanceType<typeof import("./pending.js").PendingWrites>} PendingWrites
 * @typedef {InstanceType<typeof import("../native/requests.js").SqlRead>} SqlRead
 * @typedef {import("./operations.js").Fence} Fence
 * @typedef {import("./operations.js").LeaseOperation} LeaseOperation
 * @typedef {import("./operations.js").Operation} Operation
 */

/**
 * Begins operations in the order of issue, each as soon as it can be begun.
 *
 * Writes go to the writer in batches, of which a few may be under way. Every other operation waits until those before it
 * are on disk.
 */
class Scheduler {
	/**
	 * @param {LazyConnection} connection
	 * @param {CoherentCache} cache
	 * @param {PendingWrites} pending
	 */
	constructor(connection, cache, pending) {
		const advance = () => this.advance();
		this.connection = connection;
		this.cache = cache;
		this.pending = pending;
		/** @type {Operation[]} those that have not begun, in the order of issue */
		this.waiting = [];
		this.reads = new KeyReads(connection, cache, advance);
		this.sqlReads = new SqlReads(connection, cache);
		this.batcher = new Batcher(this.waiting, { connection, cache, reads: this.reads, pending }, advance);
		/** @type {LeaseOperation | undefined} the one that has begun and is not done */
		this.lease = undefined;
		/** @type {(() => void) | undefined} releases what is behind the fence under way, such as the taking of a snapshot */
		this.release = undefined;
		/** True if the store is being closed, so that a lease may not be idle for long. */
		this.isDraining = false;
		this.isScheduled = false;
		this.isFlushing = false;
	}

	/**
	 * @param {Operation} operation
	 */
	push(operation) {
		this.waiting.push(operation);
		this.schedule();
	}

	/**
	 * Takes back a lease that has not begun.
	 *
	 * @param {LeaseOperation} lease
	 */
	remove(lease) {
		const at = this.waiting.indexOf(lease);
		if (at >= 0) {
			this.waiting.splice(at, 1);
		}
		this.schedule();
	}

	/** Begins what is waiting, after everything that this turn still issues. */
	schedule() {
		if (isExiting()) {
			flushNow(this);
			return;
		}
		if (this.isScheduled) {
			return;
		}
		this.isScheduled = true;
		const begin = () => {
			this.isScheduled = false;
			this.advance();
		};
		if (this.cache.isSpent) {
			nextTurn(begin);
		} else {
			// Two turns of the promises, so that operations behind another await go along.
			resolved.then(noop).then(begin);
		}
		flushAtExit(this);
	}

	hasWork() {
		const isUnderWay = !this.batcher.isIdle || this.lease !== undefined;
		return isUnderWay || this.waiting.length > 0 || this.reads.hasWaiting;
	}

	/** True if a read would have to wait for any operation. */
	hasBarriers() {
		return this.waiting.some(
			(operation) =>
				operation.kind !== "read" && operation.kind !== "lease" && !(operation.kind === "fence" && operation.isRead),
		);
	}

	/** True if nothing may be begun. */
	get isBlocked() {
		return this.release !== undefined || this.reads.underWay > 0;
	}

	/** Begins what can be begun now. Called whenever that may have changed. */
	advance() {
		if (this.connection.state !== "open") {
			if (this.hasWork()) {
				this.open();
			}
			return;
		}
		while (!this.isBlocked) {
			if (this.reads.hasWaiting) {
				this.reads.beginWaiting();
			} else if (!this.runNext()) {
				break;
			}
		}
		if (!this.hasWork()) {
			flushed(this);
		}
	}

	/** @returns {boolean} whether there was something to do */
	runNext() {
		const at = this.nextIndex();
		const next = this.waiting[at];
		if (next === undefined) {
			return false;
		}
		if (isWrite(next)) {
			return this.batcher.send(next);
		}
		if (!this.batcher.isIdle) {
			return false;
		}
		if (next.kind === "read") {
			const reads = this.takeReads(at);
			this.runFenced((release) => this.sqlReads.start(reads, release));
			return true;
		}
		this.waiting.splice(at, 1);
		if (next.kind === "fence") {
			this.runFenced(next.run);
		} else {
			this.begin(next);
		}
		return true;
	}

	/**
	 * Runs a fence, or reads, which are one. What `release` is called for is this one alone, also if another is under way.
	 *
	 * @param {Fence["run"]} run
	 */
	runFenced(run) {
		const release = () => {
			if (this.release === release) {
				this.release = undefined;
				this.advance();
			}
		};
		this.release = run(release) ? undefined : release;
	}

	/** Index of the next operation that can be begun; beyond the last, if there is none. */
	nextIndex() {
		if (this.lease === undefined) {
			return 0;
		}
		return this.connection.isLease ? this.waiting.length : this.firstPastLease();
	}

	/** Index of the first operation that may go past a lease; beyond the last, if there is none. */
	firstPastLease() {
		const at = this.waiting.findIndex((operation) => operation.kind !== "lease");
		const first = this.waiting[at];
		const canPass = first?.kind === "read" || (first?.kind === "fence" && first.isRead);
		return canPass ? at : this.waiting.length;
	}

	/**
	 * Takes the reads in SQL that follow each other, and rejects those that were cancelled.
	 *
	 * @param {number} at the index of the first
	 * @returns {SqlRead[]} the others
	 */
	takeReads(at) {
		const { waiting } = this;
		let end = at;
		/** @type {SqlRead[]} */
		const reads = [];
		for (let next = waiting[end]; next?.kind === "read" && end - at < READS_AT_ONCE_MAX; next = waiting[end]) {
			end++;
			if (next.read.cancel?.error) {
				next.reject(next.read.cancel.error);
			} else {
				reads.push(next.read);
			}
		}
		waiting.splice(at, end - at);
		return reads;
	}

	/**
	 * @param {LeaseOperation} lease
	 */
	begin(lease) {
		this.lease = lease;
		if (this.isDraining) {
			lease.drain();
		}
		lease.begin(() => {
			this.lease = undefined;
			// Not at once: what is behind it settles when all that waits for it has been told.
			this.schedule();
		});
	}

	/** Shortens, from now on, the time for which a lease may be idle. */
	drain() {
		this.isDraining = true;
		this.lease?.drain();
	}

	open() {
		this.connection.open((error) => {
			if (error) {
				this.rejectAll(error);
			} else {
				this.cache.attach(this.connection.opened);
				this.connection.opened.whenLost = () => {
					this.cache.detach();
					this.connection.lost();
				};
			}
			this.advance();
		});
	}

	/**
	 * Rejects what was issued until now. Of a file that cannot be opened the next operation tries again.
	 *
	 * @param {unknown} error
	 */
	rejectAll(error) {
		for (const operation of this.waiting.splice(0)) {
			if (isWrite(operation)) {
				this.reads.add(this.pending.drop(operation, copyOf(error)));
			} else {
				operation.reject(copyOf(error));
			}
		}
		this.reads.rejectWaiting(error);
		flushed(this);
	}

	/** Writes what was issued, without returning to the event loop. */
	flush() {
		if (this.isFlushing) {
			return;
		}
		this.isFlushing = true;
		this.lease?.abort();
		do {
			this.advance();
		} while (this.hasWork() && this.connection.current?.waitForEvent(EXIT_WAIT_MS));
		this.isFlushing = false;
	}
}

function noop() {}

module.exports = { Scheduler };
