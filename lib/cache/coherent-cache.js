"use strict";

const { TURN_BUDGET } = require("../base/limits.js");
const { ReadCache } = require("./read-cache.js");
const { nextTurn } = require("../process/event-loop.js");

/**
 * @typedef {InstanceType<typeof import("../native/connection.js").Connection>} Connection
 * @typedef {import("./read-cache.js").Stored} Stored
 * @typedef {{ readonly community: string | undefined, readonly key: string }} Address
 */

/** 32-bit words of the WAL-index header (sqlite.org/walformat.html). */
const VERSION_WORDS = 12;

/**
 * A read cache that never answers what is not in the file any more, whoever has written to it.
 *
 * Every commit to the file changes the header of its WAL-index, which is memory that can be looked at for nothing. The
 * cache is valid for one such version. Another one is either of this store's own commits, which are known here, so that
 * the cache stays valid; or others have written, and everything is forgotten.
 *
 * What a write that is not known to be on disk yet concerns is not for the cache to answer: ask `PendingChanges` first.
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
		/** @type {Uint32Array} the memory itself */
		this.version = new Uint32Array(VERSION_WORDS);
		/** @type {Uint32Array} what the entries are valid for */
		this.knows = new Uint32Array(VERSION_WORDS);
		/** How many times others were found to have written. */
		this.foreignChanges = 0;
		/** In this turn of the event loop it was seen that the file is still in its place. */
		this.isFileSeen = false;
		/** What reads have cost in this turn, a hit being 1. */
		this.spent = 0;
		this.isAwaitingTurn = false;
	}

	/**
	 * Whether so many reads were answered that the event loop should turn before the next. Awaited one after another they
	 * would keep everything else waiting.
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

	/** What holds for one turn ends with it. */
	awaitTurn() {
		if (!this.isAwaitingTurn) {
			this.isAwaitingTurn = true;
			nextTurn(() => {
				this.isAwaitingTurn = false;
				this.isFileSeen = false;
				this.spent = 0;
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

	/** Before the connection is closed: the memory goes with it. */
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
	 * What was read after the last call to `get`, and in the same turn.
	 *
	 * It may be newer than the entries, if somebody has written since. Then the next look at the version finds that out.
	 *
	 * @param {Address} address
	 * @param {Stored} stored
	 */
	fill({ community, key }, stored) {
		// An expired entry may be live again: a test may turn the clock back.
		if (this.connection && (stored.text !== undefined || stored.expiresAt === undefined)) {
			this.entries.set(community, key, stored);
		}
	}

	/**
	 * This store's own write is on disk. If others may have written since it was sent, what it wrote may be gone already.
	 *
	 * @param {Address & Stored} change
	 * @param {boolean} isAlone see `isSoleWriterSince`
	 */
	committed({ community, key, text, expiresAt }, isAlone) {
		if (isAlone) {
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

	clear() {
		this.entries.clear();
	}

	/**
	 * Whether nobody but this store has written, as far as can be told.
	 *
	 * @param {number} changes how many `changes` there were
	 */
	isSoleWriterSince(changes) {
		return this.validity() === "current" && this.foreignChanges === changes;
	}

	/**
	 * How the entries stand to what is in the file. Others have `changed` it since it was last looked at: no entry is left
	 * then, and those that come are valid.
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

module.exports = { CoherentCache };
