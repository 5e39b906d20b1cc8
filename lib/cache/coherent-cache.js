"use strict";

const { SNAPSHOT_KEPT_FROM, TURN_BUDGET } = require("../base/limits.js");
const { VERSION_WORDS } = require("../native/protocol.js");
const { nextTurn } = require("../process/event-loop.js");
const { ReadCache } = require("./read-cache.js");

/**
 * @typedef {InstanceType<typeof import("../native/connection.js").Connection>} Connection
 * @typedef {import("../base/key-entry.js").Address} Address
 * @typedef {import("../base/key-entry.js").Stored} Stored
 */

/**
 * Read cache that never answers with a value that is not in the file any more, whoever has written to it.
 *
 * Every commit to the file changes the header of its WAL-index, memory that can be read for nothing. The cache is valid
 * for one such version of the file. A step to another version is either a commit of this store, whose keys are known
 * here, so that the cache stays valid; or others have written, and the cache is emptied.
 *
 * Writes that are not known to be on disk yet are not for the cache to answer: ask `PendingWrites` first.
 */
class CoherentCache {
	/**
	 * @param {number} limitBytes 0 for no cache
	 */
	constructor(limitBytes) {
		this.limitBytes = limitBytes;
		this.entries = new ReadCache(limitBytes);
		/** @type {Connection | undefined} set while the cache is in use */
		this.connection = undefined;
		/** @type {Uint32Array} the version of the file, in shared memory */
		this.version = new Uint32Array(VERSION_WORDS);
		/** @type {Uint32Array} the version that the entries are valid for */
		this.knows = new Uint32Array(VERSION_WORDS);
		/** Number of times that others were found to have written. */
		this.foreignChanges = 0;
		/** True if the file was seen to be in its place in this turn of the event loop. */
		this.isFileSeen = false;
		/** Cost of the reads of this turn, a hit being 1. */
		this.spent = 0;
		this.isAwaitingTurn = false;
		/** @type {Connection | undefined} the one whose reads share a snapshot in this turn */
		this.keeping = undefined;
	}

	/**
	 * True if so many reads were answered that the event loop should turn before the next. Reads that are awaited one after
	 * another would keep everything else waiting.
	 */
	get isSpent() {
		return this.spent >= TURN_BUDGET;
	}

	/**
	 * @param {number} cost of a read, a hit being 1
	 */
	spend(cost) {
		this.spent += cost;
		this.awaitTurn();
	}

	/**
	 * True for a read from the file that is one of many in this turn, which share a snapshot until it ends.
	 *
	 * @param {Connection} connection
	 */
	keepsSnapshotOf(connection) {
		if (this.spent < SNAPSHOT_KEPT_FROM) {
			return false;
		}
		this.keeping = connection;
		return true;
	}

	/** Resets, when this turn ends, the state that holds for one turn. */
	awaitTurn() {
		if (!this.isAwaitingTurn) {
			this.isAwaitingTurn = true;
			nextTurn(() => {
				this.isAwaitingTurn = false;
				this.isFileSeen = false;
				this.spent = 0;
				this.keeping?.releaseSnapshot();
				this.keeping = undefined;
			});
		}
	}

	/**
	 * @param {Connection} connection one that was just opened
	 */
	attach(connection) {
		const version = this.limitBytes > 0 ? connection.version() : null;
		if (version !== null) {
			this.version = version;
			this.connection = connection;
		}
	}

	/** Stops using the shared memory, before the connection is closed and the memory with it. */
	detach() {
		this.connection = undefined;
		this.version = this.knows;
		this.entries.clear();
	}

	/**
	 * @param {string | undefined} community
	 * @param {string} key
	 * @returns {Stored | undefined} `undefined` if it has to be read
	 */
	get(community, key) {
		if (this.isSpent || this.validity() === "unknown") {
			return undefined;
		}
		this.spend(1);
		return this.entries.get(community, key);
	}

	/**
	 * Adds a value that was read after the last call to `get`, and in the same turn.
	 *
	 * It may be newer than the other entries, if somebody has written since. Then the next look at the version finds that
	 * out.
	 *
	 * @param {Address} address
	 * @param {Stored} stored
	 */
	fill({ community, key }, stored) {
		if (this.connection && isWhole(stored)) {
			this.entries.set(community, key, stored);
		}
	}

	/**
	 * Adds a write of this store that is on disk, unless others may have overwritten it since it was sent, or it is not
	 * known what it has left, or it is one of an import: then what it has replaced goes.
	 *
	 * @param {Address & Stored} change
	 * @param {boolean} isKnown see `isSoleWriterSince`
	 */
	committed({ community, key, text, expiresAt }, isKnown) {
		if (isKnown && isWhole({ text, expiresAt })) {
			this.entries.set(community, key, { text, expiresAt });
		} else {
			this.entries.delete(community, key);
		}
	}

	/**
	 * @param {Address} address
	 */
	delete({ community, key }) {
		this.entries.delete(community, key);
	}

	/**
	 * @param {Map<string | undefined, Set<string>>} keys by scope
	 */
	deleteAll(keys) {
		for (const [community, ofScope] of this.entries.isEmpty ? [] : keys) {
			for (const key of ofScope) {
				this.entries.delete(community, key);
			}
		}
	}

	clear() {
		this.entries.clear();
	}

	/**
	 * True if nobody but this store is known to have written.
	 *
	 * @param {number} foreignChanges the count since which
	 */
	isSoleWriterSince(foreignChanges) {
		return this.validity() === "current" && this.foreignChanges === foreignChanges;
	}

	/**
	 * Validity of the entries. `changed` means that others have written since the last look: no entry is left then, and
	 * those that come are valid.
	 *
	 * @returns {"current" | "changed" | "unknown"}
	 */
	validity() {
		if (this.connection === undefined) {
			return "unknown";
		}
		if (this.isFileSeen && this.isUnchanged()) {
			return "current";
		}
		const validity = this.connection.catchUp(this.knows);
		if (validity === "changed") {
			this.foreignChanges++;
			this.entries.clear();
		}
		if (validity !== "unknown") {
			this.isFileSeen = true;
			this.awaitTurn();
		}
		return validity;
	}

	isUnchanged() {
		for (let word = 0; word < VERSION_WORDS; word++) {
			if (this.version[word] !== this.knows[word]) {
				return false;
			}
		}
		return true;
	}
}

/**
 * False for an expired entry without its value, which may be live again: a test may turn the clock back.
 *
 * @param {Stored} stored
 */
function isWhole({ text, expiresAt }) {
	return text !== undefined || expiresAt === undefined;
}

module.exports = { CoherentCache };
