"use strict";

const { performance } = require("node:perf_hooks");
const { emptyBatch } = require("./batch.js");
const { CoherentCache } = require("./coherent-cache.js");
const { RootcellarError, toError } = require("./errors.js");
const { flushAtExit, flushed, isExiting } = require("./exit.js");
const {
	BATCHES_IN_FLIGHT_MAX,
	BATCH_LENGTH_MAX,
	BATCH_OPERATIONS_MAX,
	BATCH_OPERATIONS_MIN,
	EXIT_WAIT_MS,
	READS_AT_ONCE_MAX,
	QUICK_READ_MS_MAX,
	READ_COST,
	SQL_READ_COST,
} = require("./limits.js");
const { Change, PendingChanges, answer, liveText } = require("./pending-changes.js");
const { Session } = require("./session.js");
const { checkNotHeld, isInScope } = require("./sql-scope.js");
const { QuickReads } = require("./sql-quick.js");
const { WANTS_ROWS } = require("./sql-statement.js");
const { outcomesOf } = require("./sql-work.js");
const { nextTurn } = require("./turns.js");
const { changesOf, concernsAnyKey, encodeWrite, lengthOf, needsRead } = require("./writes.js");

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
 * @typedef {{ kind: "fence", run(): void, reject(error: unknown): void, isRead: boolean }} Fence
 */

/**
 * A read in SQL, which is a fence, too. Those that follow each other share a snapshot.
 *
 * @typedef {{ kind: "read", read: import("./sql-requests.js").Read, reject(error: unknown): void }} SqlRead
 */

/**
 * A transaction or a reserved connection: nothing is sent to the writer from when it begins until it is done. Only
 * reads go past it, for they do not see what it has not committed.
 *
 * @typedef {{ kind: "reservation", begin(done: () => void): void, abort(): void, hurry(): void, reject(error: unknown): void }} Reservation
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
	 * @param {InstanceType<typeof Session>} [session] of a transaction, in place of a session of the queue's own
	 */
	constructor(locate, cacheBytes, session = new Session(locate)) {
		this.session = session;
		this.cache = new CoherentCache(cacheBytes);
		/** @type {(Write | Fence | SqlRead | Reservation)[]} */
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
		this.quickReads = new QuickReads();
		/** Writes of which only the writer can tell which keys they concern. */
		this.pendingPatterns = 0;
		/** @type {Reservation | undefined} the one that has begun and is not done */
		this.reservation = undefined;
		/** @type {Error | undefined} why a transaction takes no operations any more */
		this.ended = undefined;
		/** A read is under way that writes issued after it must wait for. */
		this.blocked = false;
		this.scheduled = false;
		/** A read was answered from disk in this turn of the promises. */
		this.hasReadAtOnce = false;
		this.turnEnded = () => {
			this.hasReadAtOnce = false;
		};
		this.isFlushing = false;
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
		return new OperationQueue(outer.session.locate, 0, outer.session.within(connection));
	}

	/**
	 * @param {Read} read
	 */
	get(read) {
		this.checkOpen();
		const change = this.changes.last(read.community, read.key);
		if (this.pendingPatterns > 0 || change) {
			this.checkRead();
		}
		if (this.pendingPatterns > 0) {
			// Which keys the pattern takes is for the writer to tell.
			this.fence(() => this.readNow([read]), read.reject, true);
		} else if (change) {
			change.addRead(read);
		} else if (!this.answerFromCache(read) && !this.readAtOnce(read)) {
			this.reads.push(read);
			this.schedule();
		}
	}

	/**
	 * Reads a key from disk if it is the first in this turn of the promises: who reads one after another need not wait for
	 * the turn's end, and whoever reads many at a time reads all but the first together.
	 *
	 * @param {Read} read one of a key that no pending write concerns
	 * @returns {boolean} whether it is answered, or will be
	 */
	readAtOnce(read) {
		if (this.hasReadAtOnce || this.session.state !== "open" || this.blocked || this.cache.isSpent) {
			return false;
		}
		this.hasReadAtOnce = true;
		resolved.then(this.turnEnded);
		this.readFromDisk([read]);
		return true;
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
		this.snapshot((started) => this.session.connection.select(select, Date.now(), { started, slice, failed }), failed);
	}

	/**
	 * @param {import("./sql-requests.js").Read} read
	 */
	readSql(read) {
		this.checkOpen();
		this.checkRead();
		this.push({ kind: "read", read, reject: read.reject });
	}

	/**
	 * Runs something that takes a snapshot, once all that was issued before it is on disk.
	 *
	 * @param {(unblock: () => void) => boolean} run returns whether the snapshot is taken; if not, it calls `unblock`
	 * @param {(error: unknown) => void} reject
	 */
	snapshot(run, reject) {
		this.checkOpen();
		this.checkRead();
		const started = () => this.unblock();
		this.fence(() => (this.blocked = !run(started)), reject, true);
	}

	/**
	 * @param {import("./sql-work.js").Job} job
	 * @param {Promised} promised resolved with what its statements did
	 */
	sql(job, { resolve, reject }) {
		this.checkWrite();
		this.pendingPatterns++;
		this.push({ kind: "sql", job, isAlone: false, resolve, reject });
	}

	/**
	 * @param {Omit<Reservation, "kind">} reservation
	 * @returns {Reservation}
	 */
	reserve({ begin, abort, hurry, reject }) {
		this.checkWrite();
		/** @type {Reservation} */
		const reservation = { kind: "reservation", begin, abort, hurry, reject };
		this.push(reservation);
		return reservation;
	}

	/**
	 * Takes a reservation back that has not begun.
	 *
	 * @param {Reservation | undefined} reservation
	 */
	unreserve(reservation) {
		this.queue = this.queue.filter((operation) => operation !== reservation);
		this.schedule();
	}

	/**
	 * @param {Entry} entry
	 * @param {Promised} promised
	 */
	set(entry, { resolve, reject }) {
		this.checkWrite();
		this.push({ kind: "set", change: this.change(entry), entry, resolve, reject });
	}

	/**
	 * @param {Entry[]} entries
	 * @param {Promised} promised
	 */
	setMany(entries, { resolve, reject }) {
		this.checkWrite();
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
		this.checkWrite();
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
		this.checkWrite();
		const change = this.change({ community, key, text: undefined, expiresAt: undefined });
		this.push({ kind: "delete", change, resolve, reject });
	}

	/**
	 * @param {string | undefined} community
	 * @param {string} pattern
	 * @param {Promised} promised
	 */
	deleteLike(community, pattern, { resolve, reject }) {
		this.checkWrite();
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
				this.reservation?.hurry();
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
		checkNotHeld(this);
	}

	/** @throws `ERR_IN_TRANSACTION` in the callback of a transaction, if the read would wait for a write that waits */
	checkRead() {
		if (!isInScope()) {
			return;
		}
		if (this.session.isLease || this.queue.some(({ kind }) => kind !== "read" && kind !== "reservation")) {
			checkNotHeld(this);
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
	 * @param {boolean} [isRead]
	 */
	fence(run, reject, isRead = false) {
		this.push({ kind: "fence", run, reject, isRead });
	}

	/**
	 * @param {Write | Fence | SqlRead | Reservation} operation
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
		const isUnderWay = this.inFlight.length > 0 || this.reservation !== undefined;
		return isUnderWay || this.queue.length > 0 || this.reads.length > 0;
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
		const next = this.queue[at];
		if (next === undefined) {
			return false;
		}
		if (isWrite(next)) {
			return this.canSend(next) && this.sendBatch();
		}
		if (this.inFlight.length > 0) {
			return false;
		}
		if (next.kind === "fence") {
			this.queue.splice(at, 1);
			next.run();
		} else if (next.kind === "read") {
			this.runReads(at);
		} else {
			this.queue.shift();
			this.begin(next);
		}
		return true;
	}

	/** Where in the queue the next stands that can be done: a read can while there is a reservation. */
	nextIndex() {
		if (this.reservation === undefined) {
			return 0;
		}
		const at = this.queue.findIndex((operation) => operation.kind !== "reservation");
		const first = this.queue[at];
		const canPass = first?.kind === "read" || (first?.kind === "fence" && first.isRead);
		return canPass && !this.session.isLease ? at : this.queue.length;
	}

	/**
	 * Starts the reads that follow each other from a place in the queue on.
	 *
	 * @param {number} at
	 */
	runReads(at) {
		let end = at;
		/** @type {import("./sql-requests.js").Read[]} */
		const reads = [];
		for (let next = this.queue[end]; next?.kind === "read" && end - at < READS_AT_ONCE_MAX; next = this.queue[end]) {
			end++;
			if (next.read.cancel?.error) {
				next.reject(next.read.cancel.error);
			} else {
				reads.push(next.read);
			}
		}
		this.queue.splice(at, end - at);
		const [first] = reads;
		if (first && (reads.length > 1 || !this.readSqlAtOnce(first))) {
			this.blocked = !this.session.connection.readSql(reads, () => this.unblock());
		}
	}

	/**
	 * @param {import("./sql-requests.js").Read} read
	 * @returns {boolean} whether that could be done, in next to no time
	 */
	readSqlAtOnce(read) {
		const { sql } = read.statement;
		if (this.session.isLease) {
			return false;
		}
		if (this.quickReads.isQuick(sql)) {
			const since = performance.now();
			const rows = this.session.connection.readSqlNow(read.statement, this.cache.isFileSeen);
			if (rows) {
				if (performance.now() - since > QUICK_READ_MS_MAX) {
					this.quickReads.wasLate(sql);
				}
				this.cache.spend(SQL_READ_COST);
				read.slice(rows, true);
				return true;
			}
			this.quickReads.wasGivenUp(sql);
		}
		read.took = (microseconds) => this.quickReads.took(sql, microseconds);
		return false;
	}

	/**
	 * @param {Reservation} reservation
	 */
	begin(reservation) {
		this.reservation = reservation;
		if (this.closing) {
			reservation.hurry();
		}
		reservation.begin(() => {
			this.reservation = undefined;
			this.advance();
		});
	}

	/**
	 * @param {Write} next
	 */
	canSend(next) {
		if (isAlone(next) || this.inFlight.some(({ writes }) => writes.some(isAlone))) {
			// The writer defers nothing behind it.
			return this.inFlight.length === 0;
		}
		return !this.isHalted && this.inFlight.length < BATCHES_IN_FLIGHT_MAX;
	}

	hasPatternInFlight() {
		return this.pendingPatterns > 0 && this.inFlight.some(({ writes }) => writes.some(concernsAnyKey));
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
			if (operation.kind === "fence" || operation.kind === "read" || operation.kind === "reservation") {
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
		const missed = reads.filter((read) => !this.answerFromCache(read));
		if (missed.length > 0) {
			this.readFromDisk(missed);
		}
	}

	/**
	 * @param {Read[]} reads
	 */
	readFromDisk(reads) {
		const now = Date.now();
		this.readKeys(reads, now, (found, errorAt) => {
			for (const [index, read] of reads.entries()) {
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
		const hasLateReadsInFlight = this.pendingPatterns > 0 && this.hasLateReadsInFlight();
		const share = Math.ceil(this.queue.length / BATCHES_IN_FLIGHT_MAX);
		const limit = Math.min(Math.max(share, BATCH_OPERATIONS_MIN), BATCH_OPERATIONS_MAX);
		for (const operation of this.queue) {
			const isFull = writes.length >= limit || length >= BATCH_LENGTH_MAX;
			if (!isWrite(operation) || isFull || overtakesReads(operation, hasLateReadsInFlight)) {
				break;
			}
			// What an update behind a pattern starts from is known when the pattern has been carried out.
			if (operation.kind === "update" && hasPattern) {
				break;
			}
			if (isAlone(operation) && writes.length > 0) {
				break;
			}
			hasPattern ||= concernsAnyKey(operation);
			length += lengthOf(operation);
			writes.push(operation);
			if (isAlone(operation)) {
				break;
			}
		}
		return writes;
	}

	hasLateReadsInFlight() {
		return this.inFlight.some(({ writes }) => writes.some((write) => changesOf(write).some(hasLateReads)));
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
	batchEnded({ committed = 0, stop, error, changes, results }) {
		const { writes, changesOfOthers } = /** @type {Sent} */ (this.inFlight.shift());
		this.commitAll(writes.splice(0, committed), changesOfOthers, outcomesOf({ changes, results }));
		if (stop !== undefined || error !== undefined) {
			this.isHalted = true;
		}
		const first = writes[0];
		if (stop === "alone" && first?.kind === "sql") {
			first.isAlone = true;
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
	 * @param {ReturnType<typeof outcomesOf>} outcomes
	 */
	commitAll(writes, changesOfOthers, outcomes) {
		const now = Date.now();
		const isSoleWriter = this.cache.isAloneSince(changesOfOthers);
		/** @type {Read[]} */
		const lateReads = [];
		for (const write of writes) {
			if (concernsAnyKey(write)) {
				this.pendingPatterns--;
			}
			if (write.kind === "deleteLike") {
				this.cache.clear();
			}
			for (const change of changesOf(write)) {
				this.cache.committed(change, isSoleWriter);
				append(lateReads, this.changes.commit(change, now));
			}
			write.resolve(resultOf(write, outcomes));
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
		if (concernsAnyKey(write)) {
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
		this.reservation?.abort();
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
 * @param {Write | Fence | SqlRead | Reservation} operation
 * @returns {operation is Write}
 */
function isWrite(operation) {
	return operation.kind !== "fence" && operation.kind !== "read" && operation.kind !== "reservation";
}

/**
 * Whether a write would be seen by reads that were issued before it, and wait for a change that is under way.
 *
 * @param {Write} write
 * @param {boolean} hasLateReadsInFlight whether there are any such reads
 */
function overtakesReads(write, hasLateReadsInFlight) {
	if (concernsAnyKey(write)) {
		return hasLateReadsInFlight;
	}
	return changesOf(write).some((change) => hasLateReads(change.pendingBefore()));
}

/**
 * Whether a write shares neither a batch nor a transaction with others.
 *
 * @param {Write} write
 */
function isAlone(write) {
	return write.kind === "sql" && write.isAlone;
}

/**
 * What a write that is on disk resolves with.
 *
 * @param {Write} write
 * @param {ReturnType<typeof outcomesOf>} outcomes
 */
function resultOf(write, outcomes) {
	if (write.kind === "sql") {
		return write.job.statements.map(({ bits }) => outcomes.next((bits & WANTS_ROWS) !== 0));
	}
	return write.kind === "update" ? write.update.made?.result : undefined;
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
