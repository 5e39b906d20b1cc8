"use strict";

const { BatchSender } = require("./batcher.js");
const { flushAtExit, flushed, isExiting } = require("../process/exit.js");
const { KeyReads } = require("./key-reads.js");
const { EXIT_WAIT_MS } = require("../base/limits.js");
const { WaitingOperations, isWrite } = require("./operations.js");
const { SqlReads } = require("./sql-reads.js");
const { nextTurn } = require("../process/event-loop.js");

const resolved = Promise.resolve();

/**
 * @typedef {InstanceType<typeof import("../cache/coherent-cache.js").CoherentCache>} CoherentCache
 * @typedef {InstanceType<typeof import("./pending-writes.js").PendingWrites>} PendingWrites
 * @typedef {InstanceType<typeof import("../native/lazy-connection.js").LazyConnection>} LazyConnection
 * @typedef {import("./operations.js").Operation} Operation
 * @typedef {import("./operations.js").LeaseOperation} LeaseOperation
 */

/**
 * Begins what was issued, in the order of issue, as soon as it can be begun.
 *
 * Writes go to the writer in batches, of which a few may be under way. All else waits until those before it are on disk.
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
		this.waiting = new WaitingOperations();
		this.reads = new KeyReads(connection, cache, advance);
		this.sqlReads = new SqlReads(connection, cache);
		this.sender = new BatchSender(this.waiting, { connection, cache, reads: this.reads, pending }, advance);
		/** @type {LeaseOperation | undefined} the one that has begun and is not done */
		this.lease = undefined;
		/** Something is under way that nothing behind it may be begun before, such as taking a snapshot. */
		this.isFenced = false;
		this.release = () => {
			this.isFenced = false;
			this.advance();
		};
		/** The store is being closed: a lease may not be idle for long. */
		this.isDraining = false;
		this.isScheduled = false;
		this.isFlushing = false;
	}

	/**
	 * @param {Operation} operation
	 */
	push(operation) {
		this.waiting.add(operation);
		this.schedule();
	}

	/**
	 * Takes back a lease that has not begun.
	 *
	 * @param {LeaseOperation | undefined} lease
	 */
	remove(lease) {
		this.waiting.remove(lease);
		this.schedule();
	}

	/** Begins what is waiting, after everything that this turn still issues. */
	schedule() {
		if (isExiting()) {
			this.flush();
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
			// Two turns of the promises, so that what is issued behind another await goes along.
			resolved.then(noop).then(begin);
		}
		flushAtExit(this);
	}

	hasWork() {
		const isUnderWay = !this.sender.isIdle || this.lease !== undefined;
		return isUnderWay || this.waiting.list.length > 0 || this.reads.waiting.length > 0;
	}

	/** Whether nothing may be begun. */
	get isBlocked() {
		return this.isFenced || this.reads.underWay > 0;
	}

	/** Does what can be done now. Called whenever that may have changed. */
	advance() {
		if (this.connection.state !== "open") {
			if (this.hasWork()) {
				this.open();
			}
			return;
		}
		while (!this.isBlocked) {
			if (this.reads.waiting.length > 0) {
				this.reads.begin(this.reads.waiting.splice(0));
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
		const next = this.waiting.list[at];
		if (next === undefined) {
			return false;
		}
		if (isWrite(next)) {
			return this.sender.send(next);
		}
		if (!this.sender.isIdle) {
			return false;
		}
		if (next.kind === "read") {
			this.isFenced = !this.sqlReads.start(this.waiting.takeReads(at), this.release);
			return true;
		}
		this.waiting.removeAt(at);
		if (next.kind === "fence") {
			this.isFenced = !next.run(this.release);
		} else {
			this.begin(next);
		}
		return true;
	}

	/** Where the next stands that can be begun. */
	nextIndex() {
		if (this.lease === undefined) {
			return 0;
		}
		return this.connection.isLease ? this.waiting.list.length : this.waiting.firstPastLease();
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
			this.advance();
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
		for (const operation of this.waiting.takeAll()) {
			if (isWrite(operation)) {
				this.reads.add(this.pending.drop(operation, error));
			} else {
				operation.reject(error);
			}
		}
		for (const read of this.reads.waiting.splice(0)) {
			read.reject(error);
		}
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
