"use strict";

const { decode } = require("../base/json.js");

/**
 * @typedef {import("../cache/read-cache.js").Stored} Stored
 */

/**
 * Somebody who waits for a value.
 *
 * @typedef {{ community: string | undefined, key: string, resolve(value: any): void, reject(error: unknown): void }} Read
 */

/** What an operation that is not on disk yet makes of one key. */
class Change {
	/**
	 * @param {string | undefined} community
	 * @param {string} key
	 * @param {string | undefined} text the value; `undefined` if the key is deleted, or while not yet known
	 * @param {number | undefined} expiresAt the entry's expiry; of an update that keeps the one that there is, while not
	 *   yet known, `undefined`
	 */
	constructor(community, key, text, expiresAt) {
		this.community = community;
		this.key = key;
		this.text = text;
		this.expiresAt = expiresAt;
		/** @type {"pending" | "committed" | "dropped"} */
		this.state = "pending";
		/** @type {Change | undefined} the change of the same key issued before this one */
		this.before = undefined;
		/**
		 * What is on disk, read for the attempt under way to make an update of it.
		 *
		 * @type {{ error: Error | undefined, stored: Stored | undefined, foreignChanges: number } | undefined}
		 */
		this.onDisk = undefined;
		/** @type {import("../native/addon").Batch | undefined} the last batch that it was put into */
		this.batch = undefined;
		/** It was sent to the writer, and may be on disk already. */
		this.isSent = false;
		/** @type {Read[]} reads issued after this change and before the next of its key, and before it was sent */
		this.reads = [];
		/** @type {Read[]} such reads issued since: they must see what others have written over it by then */
		this.lateReads = [];
	}

	/**
	 * @param {Read} read
	 */
	addRead(read) {
		(this.isSent ? this.lateReads : this.reads).push(read);
	}

	/** It was not carried out, and will be sent again: it is not on disk, so that no read is late. */
	unsend() {
		this.isSent = false;
		this.reads = this.reads.concat(this.lateReads);
		this.lateReads = [];
	}

	/** The change that this one builds on, if it is not on disk yet. */
	pendingBefore() {
		while (this.before?.state === "dropped") {
			// What was read for the one that is gone is where this one starts from.
			this.onDisk ??= this.before.onDisk;
			this.before = this.before.before;
		}
		return this.before?.state === "pending" ? this.before : undefined;
	}
}

/** The changes that are issued and not on disk, by key. */
class PendingChanges {
	constructor() {
		/** @type {Map<string, Change>} */
		this.defaultScope = new Map();
		/** @type {Map<string, Map<string, Change>>} */
		this.communities = new Map();
	}

	/**
	 * @param {string | undefined} community
	 */
	scope(community) {
		return community === undefined ? this.defaultScope : this.communities.get(community);
	}

	/**
	 * The last change issued of a key.
	 *
	 * @param {string | undefined} community
	 * @param {string} key
	 */
	last(community, key) {
		return this.scope(community)?.get(key);
	}

	/**
	 * @param {Change} change
	 */
	add(change) {
		let scope = this.scope(change.community);
		if (scope === undefined) {
			scope = new Map();
			this.communities.set(/** @type {string} */ (change.community), scope);
		}
		change.before = scope.get(change.key);
		scope.set(change.key, change);
	}

	/**
	 * A change is on disk: whoever read it has its value.
	 *
	 * @param {Change} change
	 * @param {number} now milliseconds since 1970 UTC
	 * @returns {Read[]} those that have to be read from disk
	 */
	commit(change, now) {
		change.state = "committed";
		change.before = undefined;
		this.replaceLast(change, undefined);
		for (const read of change.reads) {
			answer(read, liveText(change, now));
		}
		return change.lateReads;
	}

	/**
	 * A change had no effect: its reads get what was there before it.
	 *
	 * @param {Change} change
	 * @returns {Read[]} those that have to be read from disk
	 */
	drop(change) {
		change.unsend();
		const before = change.pendingBefore();
		change.state = "dropped";
		this.replaceLast(change, before);
		if (before === undefined) {
			return change.reads;
		}
		before.reads = before.reads.concat(change.reads);
		return [];
	}

	/**
	 * @param {Change} change
	 * @param {Change | undefined} before
	 */
	replaceLast(change, before) {
		const scope = this.scope(change.community);
		if (scope === undefined || scope.get(change.key) !== change) {
			return;
		}
		if (before !== undefined) {
			scope.set(change.key, before);
			return;
		}
		scope.delete(change.key);
		if (scope.size === 0 && change.community !== undefined) {
			this.communities.delete(change.community);
		}
	}
}

/**
 * The text of a value, `undefined` if there is none or it has expired.
 *
 * @param {Stored} stored
 * @param {number} now milliseconds since 1970 UTC
 */
function liveText({ text, expiresAt }, now) {
	return expiresAt !== undefined && expiresAt <= now ? undefined : text;
}

/**
 * @param {Read} read
 * @param {string | undefined} text
 */
function answer(read, text) {
	try {
		read.resolve(decode(text, read.key));
	} catch (error) {
		read.reject(error);
	}
}

module.exports = { Change, PendingChanges, answer, liveText };
