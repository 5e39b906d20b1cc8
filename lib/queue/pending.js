"use strict";

const { liveText } = require("../base/entry.js");
const { ScopedMap } = require("../base/scoped-map.js");
const { answer } = require("./change.js");
const { concernsAnyKey } = require("./writes.js");

/**
 * @typedef {InstanceType<typeof import("../cache/coherent-cache.js").CoherentCache>} CoherentCache
 * @typedef {ReturnType<typeof import("../native/decode.js").outcomesOf>} Outcomes
 * @typedef {import("./change.js").KeyRead} KeyRead
 * @typedef {import("./writes.js").KeyChange} KeyChange
 * @typedef {import("./writes.js").Write} Write
 */

/** Writes that are issued and not on disk, by key, and the answers to the reads that wait for them. */
class PendingWrites {
	/**
	 * @param {CoherentCache} cache
	 */
	constructor(cache) {
		this.cache = cache;
		/** @type {InstanceType<typeof ScopedMap<KeyChange>>} the last change issued of each key */
		this.changes = new ScopedMap();
		/** Number of writes of which only the writer can tell which keys they concern. */
		this.patterns = 0;
	}

	/**
	 * @param {Write} write one that was just issued
	 */
	add(write) {
		if (concernsAnyKey(write)) {
			this.patterns++;
		}
		for (const change of write.changes) {
			change.before = this.changes.replace(change.community, change.key, change);
		}
	}

	/**
	 * True if any of several keys has a change that is not on disk.
	 *
	 * @param {{ community: string | undefined, keys: string[] }} read
	 */
	concernsAny({ community, keys }) {
		const scope = this.changes.scope(community);
		return scope !== undefined && scope.size > 0 && keys.some((key) => scope.has(key));
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
			if (concernsAnyKey(write)) {
				this.patterns--;
			}
			if (write.kind === "deleteLike") {
				this.cache.clear();
			}
			for (const change of write.changes) {
				this.cache.committed(change, isSoleWriter);
				this.commitChange(change, now);
				for (const read of change.lateReads) {
					lateReads.push(read);
				}
			}
			write.resolve(resultOf(write, outcomes));
		}
		return lateReads;
	}

	/**
	 * @param {KeyChange} change
	 * @param {number} now milliseconds since 1970 UTC
	 */
	commitChange(change, now) {
		change.state = "committed";
		change.before = undefined;
		this.replaceLast(change, undefined);
		for (const read of change.reads) {
			answer(read, liveText(change, now));
		}
	}

	/**
	 * Rejects a write that had no effect. The reads that waited for it get the value from before it.
	 *
	 * @param {Write} write
	 * @param {unknown} error
	 * @returns {KeyRead[]} reads that have to be read from disk
	 */
	drop(write, error) {
		if (concernsAnyKey(write)) {
			this.patterns--;
		}
		write.reject(error);
		return write.changes.flatMap((/** @type {KeyChange} */ change) => this.dropChange(change));
	}

	/**
	 * @param {KeyChange} change
	 */
	dropChange(change) {
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
	 * @param {KeyChange} change
	 * @param {KeyChange | undefined} before
	 */
	replaceLast(change, before) {
		const { community, key } = change;
		if (this.changes.get(community, key) !== change) {
			return;
		}
		if (before === undefined) {
			this.changes.delete(community, key);
		} else {
			this.changes.replace(community, key, before);
		}
	}
}

/**
 * Result with which a write that is on disk resolves.
 *
 * @param {Write} write
 * @param {Outcomes} outcomes
 */
function resultOf(write, outcomes) {
	if (write.kind === "sql") {
		return write.job.statements.map(({ use }) => outcomes.next(use.rows));
	}
	return write.kind === "update" ? write.update.made?.result : undefined;
}

module.exports = { PendingWrites };
