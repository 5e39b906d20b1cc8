"use strict";

const { checkCommunity, checkKey } = require("../../base/arguments.js");
const { copyOf } = require("../../base/errors.js");
const { liveText } = require("../../base/key-entry.js");
const { READ_COST } = require("../../base/limits.js");
const { answer } = require("../change.js");
const { ManyReads } = require("./many-reads.js");

const resolved = Promise.resolve();

/**
 * @typedef {InstanceType<typeof import("../../cache/coherent-cache.js").CoherentCache>} CoherentCache
 * @typedef {InstanceType<typeof import("../../native/lazy-connection.js").LazyConnection>} LazyConnection
 * @typedef {InstanceType<typeof import("../../native/postgres/connection.js").PostgresConnection>} PostgresConnection
 * @typedef {import("../../base/key-entry.js").Address} Address
 * @typedef {import("../../base/key-entry.js").Stored} Stored
 * @typedef {import("../../native/decode.js").ValuesReceiver} ValuesReceiver
 * @typedef {InstanceType<typeof import("../change.js").KeyRead>} KeyRead
 * @typedef {import("./many-reads.js").ManyRead} ManyRead
 */

/**
 * Reads of keys that no pending write concerns, from the cache or else from disk.
 *
 * A read from disk is done before the call returns, unless a lock is in the way. Then it is under way, and nothing may be
 * written until it is done.
 */
class KeyReads {
	/**
	 * @param {LazyConnection} connection
	 * @param {CoherentCache} cache
	 * @param {() => void} whenDone called when reads that were under way are done
	 */
	constructor(connection, cache, whenDone) {
		this.connection = connection;
		this.cache = cache;
		this.whenDone = whenDone;
		/** @type {KeyRead[]} those that have not begun */
		this.waiting = [];
		/** @type {ManyRead[]} those of several keys that have not begun */
		this.waitingMany = [];
		this.many = new ManyReads(connection, cache);
		/** Number of requests under way. */
		this.underWay = 0;
		/** True if a read was answered from disk in this turn of the promises. */
		this.hasReadNow = false;
		this.turnEnded = () => {
			this.hasReadNow = false;
		};
	}

	/** True if there are reads that must not see what is written from now on. */
	get mustComeFirst() {
		return this.underWay > 0 || this.hasWaiting;
	}

	/** True if there are reads that have not begun. */
	get hasWaiting() {
		return this.waiting.length > 0 || this.waitingMany.length > 0;
	}

	/**
	 * @param {KeyRead} read
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
	 * The text of a key from the cache; or from disk, if it is the first in this turn of the promises: reads that are awaited
	 * one after another need not wait for the turn's end, and of many that are issued together all but the first are read
	 * together.
	 *
	 * @param {string | undefined} community
	 * @param {string} key
	 * @param {boolean} isBlocked whether nothing may be read from disk now
	 * @returns {string | null | undefined} `null` if there is no value; `undefined` if it cannot be told at once
	 */
	textNow(community, key, isBlocked) {
		const stored = this.cache.get(community, key) ?? (isBlocked ? undefined : this.readNow(community, key));
		if (stored === undefined) {
			return undefined;
		}
		return (stored.expiresAt === undefined ? stored.text : liveText(stored, Date.now())) ?? null;
	}

	/**
	 * @param {string | undefined} community
	 * @param {string} key
	 * @returns {Stored | undefined}
	 */
	readNow(community, key) {
		const { cache, connection } = this;
		const isLate = connection.isLease || connection.isRemote;
		if (this.hasReadNow || isLate || connection.state !== "open" || cache.isSpent) {
			return undefined;
		}
		const address = { community: checkCommunity(community, "communityId"), key: checkKey(key, "key") };
		this.hasReadNow = true;
		resolved.then(this.turnEnded);
		cache.spend(READ_COST);
		const keeps = cache.keepsSnapshotOf(connection.opened);
		const stored = connection.opened.readOneAtOnce(address, Date.now(), cache.isFileSeen, keeps);
		if (stored !== undefined) {
			cache.fill(address, stored);
		}
		return stored;
	}

	/**
	 * @param {KeyRead[]} reads begun before anything is written
	 */
	add(reads) {
		for (const read of reads) {
			this.waiting.push(read);
		}
	}

	/** Begins the reads that wait. */
	beginWaiting() {
		this.begin(this.waiting.splice(0));
		for (const read of this.waitingMany.splice(0)) {
			this.beginMany(read);
		}
	}

	/**
	 * Begins a read of several keys. Nothing may be written until its snapshot is taken.
	 *
	 * @param {ManyRead} read
	 */
	beginMany(read) {
		const started = () => {
			this.underWay--;
			this.whenDone();
		};
		if (!this.many.start(read, started)) {
			this.underWay++;
		}
	}

	/**
	 * Rejects the reads that have not begun.
	 *
	 * @param {unknown} error
	 */
	rejectWaiting(error) {
		for (const read of [...this.waiting.splice(0), ...this.waitingMany.splice(0)]) {
			read.reject(copyOf(error));
		}
	}

	/**
	 * @param {KeyRead[]} reads
	 */
	begin(reads) {
		const missed = reads.filter((read) => !this.answerFromCache(read));
		if (missed.length > 0) {
			this.fromDisk(missed);
		}
	}

	/**
	 * @param {KeyRead[]} reads
	 */
	fromDisk(reads) {
		const now = Date.now();
		this.lookUp(reads, now, (found, errorAt) => {
			for (const [index, read] of reads.entries()) {
				const stored = found[index];
				const error = errorAt(index);
				if (error) {
					read.reject(error);
				} else if (stored) {
					answer(read, liveText(stored, now));
				} else {
					this.waiting.push(read);
				}
			}
		});
	}

	/**
	 * Looks keys up that others want to change, too, who have to wait until the next batch is carried out. Only a server can.
	 *
	 * @param {readonly Address[]} addresses
	 * @param {ValuesReceiver} receive
	 * @returns {boolean} whether it is under way
	 */
	lookUpToChange(addresses, receive) {
		const { isLease, isRemote, opened } = this.connection;
		if (isLease || !isRemote) {
			return false;
		}
		this.underWay++;
		/** @type {PostgresConnection} */ (/** @type {unknown} */ (opened)).readToChange(addresses, (found, errorAt) => {
			receive(found, errorAt);
			this.underWay--;
			this.whenDone();
		});
		return true;
	}

	/**
	 * Looks keys up on disk.
	 *
	 * @param {readonly Address[]} addresses
	 * @param {number} now milliseconds since 1970 UTC
	 * @param {ValuesReceiver} receive
	 * @returns {boolean} whether that is done
	 */
	lookUp(addresses, now, receive) {
		const { cache } = this;
		cache.spend(READ_COST * addresses.length);
		let isLate = false;
		const isDone = this.connection.opened.read(addresses, now, cache.isFileSeen, (found, errorAt) => {
			for (const [index, stored] of found.entries()) {
				if (!isLate && errorAt(index) === undefined) {
					cache.fill(/** @type {Address} */ (addresses[index]), stored);
				}
			}
			receive(found, errorAt);
			if (isLate) {
				this.underWay--;
				this.whenDone();
			}
		});
		if (!isDone) {
			// The cache may have moved on when these values arrive.
			isLate = true;
			this.underWay++;
		}
		return isDone;
	}
}

module.exports = { KeyReads };
