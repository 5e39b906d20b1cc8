"use strict";

const { liveText } = require("../base/key-entry.js");
const { decode } = require("../base/json.js");
const { answer } = require("./change.js");
const { LatestChanges } = require("./latest-changes.js");
const { NO_CHANGES, concernsAnyKey } = require("./writes.js");

/**
 * @typedef {InstanceType<typeof import("../cache/coherent-cache.js").CoherentCache>} CoherentCache
 * @typedef {ReturnType<typeof import("../native/decode.js").outcomesOf>} Outcomes
 * @typedef {InstanceType<typeof import("./change.js").KeyRead>} KeyRead
 * @typedef {import("./writes.js").BulkSetOperation} BulkSetOperation
 * @typedef {import("./writes.js").KeyChange} KeyChange
 * @typedef {InstanceType<typeof import("./writes.js").Promised>} Promised
 * @typedef {import("./writes.js").UpdateManyOperation} UpdateManyOperation
 * @typedef {import("./writes.js").Write} Write
 */

/** Writes that are issued and not on disk, by key, and the answers to the reads that wait for them. */
class PendingWrites {
	/**
	 * @param {CoherentCache} cache
	 */
	constructor(cache) {
		this.cache = cache;
		this.changes = new LatestChanges();
		/** Number of writes of which only the writer can tell which keys they concern. */
		this.patterns = 0;
		/** @type {Set<BulkSetOperation>} */
		this.bulkSets = new Set();
	}

	/** True if there is a write whose keys are not among the changes. */
	get hasUnlisted() {
		return this.patterns > 0 || this.bulkSets.size > 0;
	}

	/**
	 * @param {Write} write one that was just issued
	 */
	add(write) {
		if (concernsAnyKey(write)) {
			this.patterns++;
		} else if (write.kind === "bulkSet") {
			this.bulkSets.add(write);
		}
		for (const change of write.changes) {
			change.before = this.changes.add(change);
		}
	}

	/**
	 * True if a write that is not on disk may concern a key.
	 *
	 * @param {string | undefined} community
	 * @param {string} key
	 */
	concerns(community, key) {
		return this.changes.get(community, key) !== undefined || this.concernsUnlisted(community, key);
	}

	/**
	 * True if a write that is not on disk may concern a key, which it does not list among its changes.
	 *
	 * @param {string | undefined} community
	 * @param {string} key
	 */
	concernsUnlisted(community, key) {
		if (this.patterns > 0 || this.bulkSets.size === 0) {
			return this.patterns > 0;
		}
		return [...this.bulkSets].some(({ keys }) => keys.get(community)?.has(key));
	}

	/**
	 * True if a write that is not on disk may concern any of several keys.
	 *
	 * @param {{ community: string | undefined, keys: string[] }} read
	 */
	concernsAny({ community, keys }) {
		return (this.changes.hasAny(community) || this.hasUnlisted) && keys.some((key) => this.concerns(community, key));
	}

	/**
	 * Settles writes that are on disk, and answers the reads that waited for them.
	 *
	 * @param {Write[]} writes
	 * @param {number} foreignChanges the cache's count when they were sent
	 * @param {Outcomes} outcomes
	 * @returns {KeyRead[]} reads that have to be read from disk
	 */
	commit(writes, foreignChanges, outcomes) {
		const now = Date.now();
		const isSoleWriter = this.cache.isSoleWriterSince(foreignChanges);
		/** @type {KeyRead[]} */
		const lateReads = [];
		for (const write of writes) {
			this.forget(write);
			if (write.kind === "deleteLike" || write.kind === "deleteRange") {
				this.cache.clear();
			} else if (write.kind === "bulkSet") {
				this.cache.deleteAll(write.keys);
			}
			learn(write, outcomes);
			for (const change of write.changes) {
				this.cache.committed(change, isSoleWriter && change.isTold);
				this.commitChange(change, now);
				for (const read of change.lateReads) {
					lateReads.push(read);
				}
			}
			try {
				write.resolve(resultOf(write, outcomes));
			} catch (error) {
				write.reject(error);
			}
			release(write);
		}
		return lateReads;
	}

	/**
	 * Forgets a write that does not list its keys among its changes.
	 *
	 * @param {Write} write
	 */
	forget(write) {
		if (concernsAnyKey(write)) {
			this.patterns--;
		} else if (write.kind === "bulkSet") {
			this.bulkSets.delete(write);
		}
	}

	/**
	 * @param {KeyChange} change
	 * @param {number} now milliseconds since 1970 UTC
	 */
	commitChange(change, now) {
		change.state = "committed";
		change.before = undefined;
		this.changes.remove(change, undefined);
		for (const read of change.reads) {
			answer(read, liveText(change, now));
		}
		change.text = undefined;
	}

	/**
	 * Rejects a write that had no effect. The reads that waited for it get the value from before it.
	 *
	 * @param {Write} write
	 * @param {unknown} error
	 * @returns {KeyRead[]} reads that have to be read from disk
	 */
	drop(write, error) {
		this.forget(write);
		write.reject(error);
		return write.changes.flatMap((/** @type {KeyChange} */ change) => this.dropChange(change));
	}

	/**
	 * @param {KeyChange} change
	 */
	dropChange(change) {
		const reads = change.takeReads();
		const before = change.pendingBefore();
		change.state = "dropped";
		this.changes.remove(change, before);
		if (before === undefined) {
			return reads;
		}
		for (const read of reads) {
			before.addRead(read);
		}
		return [];
	}
}

/**
 * Lets go of what a write holds that is settled, as its changes have of their texts. Until the next full collection of
 * garbage, what an old dead object leads to counts as alive: it would be copied and kept.
 *
 * @param {Promised & { changes: KeyChange[] }} write
 */
function release(write) {
	write.changes = NO_CHANGES;
	write.resolve = noop;
	write.reject = noop;
}

/**
 * Takes from the outcomes of a batch what the writer tells of a write, and with it what the write has left.
 *
 * @param {Write} write
 * @param {Outcomes} outcomes
 */
function learn(write, outcomes) {
	switch (write.kind) {
		case "increment": {
			const { sum, expiresAt } = outcomes.nextSum();
			const [change] = write.changes;
			change.text = String(sum);
			change.expiresAt = expiresAt;
			write.told = sum;
			break;
		}
		case "setIfAbsent":
			write.told = outcomes.nextDone();
			// The writer does not tell what was there before.
			write.changes[0].isTold = write.told;
			break;
		case "expire":
			write.told = outcomes.nextDone();
			break;
		case "getAndDelete":
			write.told = outcomes.nextValue();
			break;
		case "deleteRange":
			write.told = outcomes.nextCount();
			break;
	}
}

/**
 * Result with which a write that is on disk resolves.
 *
 * @param {Write} write
 * @param {Outcomes} outcomes
 */
function resultOf(write, outcomes) {
	switch (write.kind) {
		case "sql":
			return write.job.statements.map(({ use }) => outcomes.next(use.rows));
		case "update":
			return write.update.made?.result;
		case "updateMany":
			return valuesAfter(write);
		case "getAndDelete":
			return decode(write.told, write.changes[0].key);
		case "increment":
		case "setIfAbsent":
		case "expire":
		case "deleteRange":
			return write.told;
	}
}

/**
 * The values that the keys of an `updateMany` have: those that its function returned, and those that it left.
 *
 * @param {UpdateManyOperation} write
 */
function valuesAfter({ changes, update: { made } }) {
	/** @type {[string, unknown][]} */
	const entries = [];
	for (const [index, { key }] of changes.entries()) {
		const text = made?.texts[index];
		if (text === null) {
			const kept = made?.from[index];
			if (kept !== undefined) {
				entries.push([key, decode(kept, key)]);
			}
		} else if (text !== undefined) {
			entries.push([key, made?.values[index]]);
		}
	}
	return Object.fromEntries(entries);
}

function noop() {}

module.exports = { PendingWrites };
