"use strict";

const { CoherentCache } = require("../cache/coherent-cache.js");
const { RootcellarError } = require("../base/errors.js");
const { PendingWrites } = require("./pending-writes.js");
const { Scheduler } = require("./scheduler.js");
const { LazyConnection } = require("../native/lazy-connection.js");
const { checkNoDeadlock, isInScope } = require("./transaction-scope.js");

/**
 * @typedef {import("../config/location.js").Location} Location
 * @typedef {import("./operations.js").LeaseOperation} LeaseOperation
 * @typedef {import("./pending.js").Read} Read
 * @typedef {import("./writes.js").Promised} Promised
 * @typedef {import("./writes.js").Write} Write
 */

/** The operations of a store, or of a transaction: which may be issued, and what each waits for. */
class OperationQueue {
	/**
	 * @param {() => Location} locate called at the first operation
	 * @param {number} cacheBytes
	 * @param {InstanceType<typeof LazyConnection>} [connection] of a transaction, in place of a connection of the queue's own
	 */
	constructor(locate, cacheBytes, connection = new LazyConnection(locate)) {
		this.connection = connection;
		this.cache = new CoherentCache(cacheBytes);
		this.pending = new PendingWrites(this.cache);
		this.scheduler = new Scheduler(connection, this.cache, this.pending);
		/** @type {Error | undefined} why a transaction takes no operations any more */
		this.ended = undefined;
		/** @type {Promise<void> | undefined} */
		this.closing = undefined;
	}

	/**
	 * The operations of a transaction.
	 *
	 * @param {OperationQueue} outer the queue that waits for it
	 * @param {any} connection
	 */
	static within(outer, connection) {
		return new OperationQueue(outer.connection.locate, 0, outer.connection.within(connection));
	}

	/**
	 * @param {Read} read
	 */
	get(read) {
		this.checkOpen();
		const { pending, scheduler } = this;
		const { reads } = scheduler;
		const change = pending.changes.last(read.community, read.key);
		if (pending.patterns > 0 || change) {
			this.checkRead();
		}
		if (pending.patterns > 0) {
			// Which keys the pattern takes is for the writer to tell.
			const begin = () => {
				reads.begin([read]);
				return true;
			};
			this.fence(begin, read.reject, true);
		} else if (change) {
			change.addRead(read);
		} else if (!reads.answerFromCache(read) && (scheduler.isBlocked || !reads.readAtOnce(read))) {
			reads.add([read]);
			scheduler.schedule();
		}
	}

	/**
	 * @param {{ pattern: string, community: string | undefined, valuesOnly: boolean }} select
	 * @param {{ slice(text: string, last: boolean): void, failed(error: unknown): void }} callbacks
	 */
	select(select, { slice, failed }) {
		this.snapshot((started) => this.connection.opened.select(select, Date.now(), { started, slice, failed }), failed);
	}

	/**
	 * @param {import("../native/sql-requests.js").Read} read
	 */
	readSql(read) {
		this.checkOpen();
		this.checkRead();
		this.scheduler.push({ kind: "read", read, reject: read.reject });
	}

	/**
	 * Runs something that takes a snapshot, once all that was issued before it is on disk.
	 *
	 * @param {(started: () => void) => boolean} run returns whether the snapshot is taken; if not, it calls `started`
	 * @param {(error: unknown) => void} reject
	 */
	snapshot(run, reject) {
		this.checkOpen();
		this.checkRead();
		this.fence(run, reject, true);
	}

	/**
	 * @param {Write} write
	 */
	write(write) {
		this.checkWrite();
		this.pending.add(write);
		this.scheduler.push(write);
	}

	/**
	 * @param {import("./sql-job.js").Job} job
	 * @param {Promised} promised resolved with what its statements did
	 */
	sql(job, { resolve, reject }) {
		this.write({ kind: "sql", job, isAlone: false, resolve, reject });
	}

	/**
	 * Runs something that may change any key, once all that was issued before it is on disk.
	 *
	 * @param {(done: () => void) => void} run nothing issued later is begun until it calls `done`
	 * @param {(error: unknown) => void} reject
	 */
	replaceAll(run, reject) {
		this.checkWrite();
		this.pending.patterns++;
		const done = () => this.pending.patterns--;
		this.fence(
			(release) => {
				run(() => {
					done();
					release();
				});
				return false;
			},
			(error) => {
				done();
				reject(error);
			},
		);
	}

	/**
	 * @param {Omit<LeaseOperation, "kind">} lease
	 * @returns {LeaseOperation}
	 */
	lease({ begin, abort, drain, reject }) {
		this.checkWrite();
		/** @type {LeaseOperation} */
		const operation = { kind: "lease", begin, abort, drain, reject };
		this.scheduler.push(operation);
		return operation;
	}

	/**
	 * Takes back a lease that has not begun.
	 *
	 * @param {LeaseOperation | undefined} lease
	 */
	withdraw(lease) {
		this.scheduler.remove(lease);
	}

	/**
	 * @returns {Promise<void>}
	 */
	close() {
		this.closing ??= new Promise((resolve) => {
			const dispose = () => {
				this.cache.detach();
				this.connection.dispose(resolve);
				return false;
			};
			if (this.connection.state === "closed" && !this.scheduler.hasWork()) {
				dispose();
			} else {
				this.scheduler.drain();
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
		if (this.ended) {
			throw this.ended;
		}
	}

	/** @throws also `ERR_IN_TRANSACTION` in the callback of a transaction, which the write would wait for */
	checkWrite() {
		this.checkOpen();
		checkNoDeadlock(this);
	}

	/** @throws `ERR_IN_TRANSACTION` in the callback of a transaction, if the read would wait for a write that waits */
	checkRead() {
		if (isInScope() && (this.connection.isLease || this.scheduler.waiting.hasBarriers())) {
			checkNoDeadlock(this);
		}
	}

	/**
	 * Runs something once all that was issued before it is on disk.
	 *
	 * @param {(release: () => void) => boolean} run returns whether what was issued later may begin; if not, it calls
	 *   `release` when it may
	 * @param {(error: unknown) => void} reject
	 * @param {boolean} [isRead]
	 */
	fence(run, reject, isRead = false) {
		this.scheduler.push({ kind: "fence", run, reject, isRead });
	}

	/**
	 * Rejects what was issued and not begun.
	 *
	 * @param {unknown} error
	 */
	rejectAll(error) {
		this.scheduler.rejectAll(error);
	}
}

module.exports = { OperationQueue };
