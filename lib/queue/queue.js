"use strict";

const { RootcellarError } = require("../base/errors.js");
const { BULK_SET_ENTRIES_MIN } = require("../base/limits.js");
const { CoherentCache } = require("../cache/coherent-cache.js");
const { ReadOperation } = require("./operations.js");
const { PendingWrites } = require("./pending.js");
const { KV_COMMUNITY, checkRemoteCommunity, checkRemoteKeys, checkRemoteWrite } = require("./remote-keys.js");
const { Scheduler } = require("./scheduler.js");
const { checkNoDeadlock, isInScope } = require("./transaction-scope.js");
const { NO_CHANGES, WriteOperation } = require("./writes.js");

/**
 * @typedef {InstanceType<typeof import("../native/lazy-connection.js").LazyConnection>} LazyConnection
 * @typedef {import("../native/decode.js").RowsReceiver} RowsReceiver
 * @typedef {import("../native/events/event-connection.js").WatchScope} WatchScope
 * @typedef {InstanceType<typeof import("../native/encode.js").SqlJob>} SqlJob
 * @typedef {import("../native/addon").KeySpan} KeySpan
 * @typedef {import("../native/requests.js").PageRead} PageRead
 * @typedef {import("../native/requests.js").Select} Select
 * @typedef {InstanceType<typeof import("../native/requests.js").SqlRead>} SqlRead
 * @typedef {InstanceType<typeof import("./change.js").KeyRead>} KeyRead
 * @typedef {import("./reads/many-reads.js").ManyRead} ManyRead
 * @typedef {import("./operations.js").LeaseOperation} LeaseOperation
 * @typedef {InstanceType<typeof import("./writes.js").Promised>} Promised
 * @typedef {import("./writes.js").Write} Write
 */

/** Queue of the operations of a store, or of a transaction: admits them, or refuses them by throwing. */
class OperationQueue {
	/**
	 * @param {LazyConnection} connection
	 * @param {number} cacheBytes
	 */
	constructor(connection, cacheBytes) {
		this.connection = connection;
		this.cache = new CoherentCache(cacheBytes);
		this.pending = new PendingWrites(this.cache);
		this.scheduler = new Scheduler(connection, this.cache, this.pending);
		/** @type {Error | undefined} why a transaction takes no operations any more */
		this.ended = undefined;
		/** @type {Promise<void> | undefined} */
		this.closing = undefined;
		/** @type {Set<() => void>} ends of the watches that there are, called when the store is closed */
		this.watches = new Set();
	}

	/**
	 * The queue of a transaction within this one.
	 *
	 * @param {any} lease
	 */
	within(lease) {
		return new OperationQueue(this.connection.within(lease), 0);
	}

	/**
	 * Reads a key, if that can be done at once: no pending write concerns it, and the cache has it or it is the first of this
	 * turn of the promises to be read from disk. That takes neither an object nor a closure.
	 *
	 * @template T
	 * @param {unknown} communityId as the caller gave it
	 * @param {unknown} key
	 * @param {(text: string | undefined, key: string) => T} parse
	 * @returns {Promise<T> | undefined} `undefined` if only `get` can tell, also what is wrong
	 */
	getNow(communityId, key, parse) {
		const { pending, scheduler } = this;
		// An empty name is that of the default scope.
		const community = communityId === "" ? undefined : communityId;
		if (typeof key !== "string" || (community !== undefined && typeof community !== "string")) {
			return undefined;
		}
		if (this.closing || this.ended || pending.concerns(community, key)) {
			return undefined;
		}
		try {
			const text = scheduler.reads.textNow(community, key, scheduler.isBlocked);
			return text === undefined ? undefined : Promise.resolve(parse(text ?? undefined, key));
		} catch {
			return undefined;
		}
	}

	/**
	 * @param {KeyRead} read
	 * @param {string} [communityArgument] names the argument that has its community
	 */
	get(read, communityArgument = "communityId") {
		this.checkOpen();
		if (this.connection.isOnPostgres) {
			checkRemoteKeys(
				[read],
				() => "key",
				() => communityArgument,
			);
		}
		const { pending, scheduler } = this;
		const { reads } = scheduler;
		const change = pending.changes.get(read.community, read.key);
		const isUnlisted = pending.concernsUnlisted(read.community, read.key);
		if (isUnlisted || change) {
			this.checkRead();
		}
		if (isUnlisted) {
			// Only the writer can tell what it leaves.
			const begin = () => {
				reads.begin([read]);
				return true;
			};
			this.fence(begin, read.reject, true);
		} else if (change) {
			change.addRead(read);
		} else if (!reads.answerFromCache(read)) {
			reads.add([read]);
			scheduler.schedule();
		}
	}

	/**
	 * Reads several keys, all as of one moment.
	 *
	 * @param {ManyRead} read
	 */
	getMany(read) {
		this.checkOpen();
		if (this.connection.isOnPostgres) {
			this.checkKeys(read, "keys");
		}
		const { pending, scheduler } = this;
		const { reads } = scheduler;
		if (pending.concernsAny(read)) {
			this.checkRead();
			this.fence((started) => reads.many.start(read, started), read.reject, true);
		} else if (!reads.many.answerFromCache(read)) {
			reads.waitingMany.push(read);
			scheduler.schedule();
		}
	}

	/**
	 * Reads the first entries of a range of keys.
	 *
	 * @param {PageRead} page
	 * @param {RowsReceiver} receiver
	 */
	page(page, receiver) {
		this.checkCommunity(page.span.community, KV_COMMUNITY);
		const run = (/** @type {() => void} */ started) => this.connection.opened.page(page, Date.now(), receiver, started);
		this.snapshot(run, receiver.reject);
	}

	/**
	 * Counts the keys of a range.
	 *
	 * @param {KeySpan} span
	 * @param {RowsReceiver} receiver
	 */
	count(span, receiver) {
		this.checkCommunity(span.community, KV_COMMUNITY);
		const run = (/** @type {() => void} */ started) =>
			this.connection.opened.count(span, Date.now(), receiver, started);
		this.snapshot(run, receiver.reject);
	}

	/**
	 * @param {Select} select
	 * @param {RowsReceiver} receiver
	 */
	select(select, receiver) {
		this.checkCommunity(select.community, "communityId");
		const run = (/** @type {() => void} */ started) =>
			this.connection.opened.select(select, Date.now(), receiver, started);
		this.snapshot(run, receiver.reject);
	}

	/**
	 * Watches keys.
	 *
	 * @param {WatchScope} scope
	 * @param {(started: () => void) => boolean} run as of {@link snapshot}
	 * @param {(error: unknown) => void} reject
	 */
	watch(scope, run, reject) {
		this.checkCommunity(scope.community, KV_COMMUNITY);
		if (scope.keys && this.connection.isOnPostgres) {
			this.checkKeys({ community: scope.community, keys: scope.keys }, "options.keys");
		}
		this.snapshot(run, reject);
	}

	/**
	 * @param {SqlRead} read
	 */
	readSql(read) {
		this.checkOpen();
		this.checkRead();
		this.scheduler.push(new ReadOperation(read));
	}

	/**
	 * Runs an operation that takes a snapshot, once all that was issued before it is on disk.
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
	 * True if an array of so many entries is set in bulk. Never on a server, which has to be asked about each key.
	 *
	 * @param {number} count
	 */
	takesInBulk(count) {
		return count >= BULK_SET_ENTRIES_MIN && !this.connection.isOnPostgres;
	}

	/**
	 * @param {Write} write
	 */
	write(write) {
		this.checkWrite();
		if (write.kind !== "sql") {
			this.checkWritable();
		}
		if (this.connection.isOnPostgres) {
			checkRemoteWrite(write);
		}
		this.pending.add(write);
		this.scheduler.push(write);
	}

	/**
	 * @param {SqlJob} job
	 * @param {Promised} promised resolved with the outcomes of its statements
	 */
	sql(job, promised) {
		this.write(Object.assign(new WriteOperation("sql", NO_CHANGES, promised), { job, isAlone: false }));
	}

	/**
	 * Runs an operation that may change any key, once all that was issued before it is on disk.
	 *
	 * @param {(done: () => void) => void} run nothing issued later is begun until it calls `done`
	 * @param {(error: unknown) => void} reject
	 */
	replaceAll(run, reject) {
		this.checkWrite();
		this.checkWritable();
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
	 * Queues a lease.
	 *
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
	 * @param {LeaseOperation} lease
	 */
	withdraw(lease) {
		this.scheduler.remove(lease);
	}

	/**
	 * @returns {Promise<void>}
	 */
	close() {
		this.closing ??= new Promise((resolve) => {
			for (const end of [...this.watches]) {
				end();
			}
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

	/**
	 * @param {{ community: string | undefined, keys: string[] }} read
	 * @param {string} argument
	 * @throws `ERR_INVALID_ARGUMENT` for a key of which there can be none on PostgreSQL
	 */
	checkKeys({ community, keys }, argument) {
		checkRemoteKeys(
			keys.map((key) => ({ community, key })),
			(index) => `${argument}[${index}]`,
			() => KV_COMMUNITY,
		);
	}

	/**
	 * @param {string | undefined} community
	 * @param {string} argument
	 * @throws `ERR_INVALID_ARGUMENT` for a community of which there can be none on the store's engine
	 */
	checkCommunity(community, argument) {
		if (community !== undefined && this.connection.isOnPostgres) {
			checkRemoteCommunity(community, () => argument);
		}
	}

	/** @throws also `ERR_IN_TRANSACTION` in the callback of a transaction, which the write would wait for */
	checkWrite() {
		this.checkOpen();
		checkNoDeadlock(this);
	}

	/** @throws `ERR_READ_ONLY` if the store only reads. In SQL, SQLite tells. */
	checkWritable() {
		if (this.connection.isReadOnly) {
			throw new RootcellarError(
				"ERR_READ_ONLY",
				"the store was opened with readOnly, and nothing of it can be written",
			);
		}
	}

	/** @throws `ERR_IN_TRANSACTION` in the callback of a transaction, if the read would wait for a write that waits */
	checkRead() {
		if (isInScope() && (this.connection.isLease || this.scheduler.hasBarriers())) {
			checkNoDeadlock(this);
		}
	}

	/**
	 * Runs an operation once all that was issued before it is on disk.
	 *
	 * @param {(release: () => void) => boolean} run returns whether operations issued later may begin; if not, it calls
	 *   `release` when they may
	 * @param {(error: unknown) => void} reject
	 * @param {boolean} [isRead]
	 */
	fence(run, reject, isRead = false) {
		this.scheduler.push({ kind: "fence", run, reject, isRead });
	}

	/**
	 * Rejects the operations that have not begun.
	 *
	 * @param {unknown} error
	 */
	rejectAll(error) {
		this.scheduler.rejectAll(error);
	}
}

module.exports = { OperationQueue };
