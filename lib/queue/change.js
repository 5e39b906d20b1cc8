"use strict";

/**
 * @typedef {import("../base/key-entry.js").Stored} Stored
 */

/** Read of a key: `parse` makes of the text that is found there what the read resolves with. */
class KeyRead {
	/**
	 * @param {string | undefined} community
	 * @param {string} key
	 * @param {(text: string | undefined, key: string) => unknown} parse
	 * @param {(value: any) => void} resolve
	 * @param {(error: unknown) => void} reject
	 */
	constructor(community, key, parse, resolve, reject) {
		this.community = community;
		this.key = key;
		this.parse = parse;
		this.resolve = resolve;
		this.reject = reject;
	}
}

/** Value on disk, or why it could not be read, and the cache's count of foreign changes before it was. */
class DiskValue {
	/**
	 * @param {Error | undefined} error
	 * @param {Stored | undefined} stored
	 * @param {number} foreignChanges
	 */
	constructor(error, stored, foreignChanges) {
		this.error = error;
		this.stored = stored;
		this.foreignChanges = foreignChanges;
	}
}

/**
 * For a change without reads, as nearly all are: two arrays for each key of a large array would be a third of what it takes.
 * Nothing is added to it. It is not frozen, for V8 iterates over a frozen array by a call for each step.
 *
 * @type {KeyRead[]}
 */
const NO_READS = [];

/** Change of one key that an operation makes, until it is on disk; and the reads that wait for it. */
class Change {
	/**
	 * @param {string | undefined} community
	 * @param {string} key
	 * @param {string | undefined} text the value; `undefined` if the key is deleted, or while not yet known
	 * @param {number | undefined} expiresAt the entry's expiry; `undefined` also while not yet known, in an update that
	 *   keeps the expiry
	 */
	constructor(community, key, text, expiresAt) {
		this.community = community;
		this.key = key;
		this.text = text;
		this.expiresAt = expiresAt;
		/** True if what it leaves is known when it is sent at the latest; else only the writer can tell. */
		this.isForeseen = true;
		/** True if what it leaves is known when it is on disk at the latest; else it has to be read from there. */
		this.isTold = true;
		/** @type {"pending" | "committed" | "dropped"} */
		this.state = "pending";
		/** @type {Change | undefined} the change of the same key issued before this one */
		this.before = undefined;
		/** @type {DiskValue | undefined} read so that the batch in the making can have an update of it */
		this.onDisk = undefined;
		/** @type {import("../native/encode.js").Batch | undefined} the one in the making that it was put into */
		this.batch = undefined;
		/** True if others were faster once, so that on a server it is better made while they wait. */
		this.isContended = false;
		/** True if it was sent to the writer, so that it may be on disk already. */
		this.isSent = false;
		/** The cache's count of foreign changes from before the batch in which it was sent. */
		this.foreignChanges = 0;
		/** Reads issued after this change and before the next of its key, and before it was sent. */
		this.reads = NO_READS;
		/** Those that are read from disk: they must see what others have written over it by then. */
		this.lateReads = NO_READS;
	}

	/**
	 * @param {KeyRead} read
	 */
	addRead(read) {
		if (this.isSent || !this.isTold) {
			this.lateReads = added(this.lateReads, read);
		} else {
			this.reads = added(this.reads, read);
		}
	}

	/** Takes it back: it was not carried out, and will be sent again. As it is not on disk, no read is late. */
	unsend() {
		this.isSent = false;
		if (this.isTold) {
			this.reads = this.takeReads();
		}
	}

	/** Takes all reads that wait for it. */
	takeReads() {
		const reads = this.reads.concat(this.lateReads);
		this.reads = NO_READS;
		this.lateReads = NO_READS;
		return reads;
	}

	/** The change that this one builds on, if it is not on disk yet. */
	pendingBefore() {
		while (this.before?.state === "dropped") {
			// The value that was read for the change that is gone is where this one starts from.
			this.onDisk ??= this.before.onDisk;
			this.before = this.before.before;
		}
		return this.before?.state === "pending" ? this.before : undefined;
	}
}

/**
 * @param {KeyRead[]} reads `NO_READS`, or an array of the caller's own, to which it is added
 * @param {KeyRead} read
 */
function added(reads, read) {
	if (reads === NO_READS) {
		return Array.of(read);
	}
	reads.push(read);
	return reads;
}

/**
 * @param {KeyRead} read
 * @param {string | undefined} text
 */
function answer(read, text) {
	try {
		read.resolve(read.parse(text, read.key));
	} catch (error) {
		read.reject(error);
	}
}

module.exports = { Change, DiskValue, KeyRead, answer };
