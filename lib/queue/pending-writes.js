"use strict";

const { PendingChanges } = require("./pending.js");
const { WANTS_ROWS } = require("../api/statement.js");
const { changesOf, concernsAnyKey } = require("./writes.js");

/**
 * @typedef {InstanceType<typeof import("../cache/coherent-cache.js").CoherentCache>} CoherentCache
 * @typedef {ReturnType<typeof import("./sql-job.js").outcomesOf>} Outcomes
 * @typedef {import("./pending.js").Read} Read
 * @typedef {import("./writes.js").Write} Write
 */

/** The writes that are issued and not on disk, and what the reads get that wait for them. */
class PendingWrites {
	/**
	 * @param {CoherentCache} cache
	 */
	constructor(cache) {
		this.cache = cache;
		this.changes = new PendingChanges();
		/** How many there are of which only the writer can tell which keys they concern. */
		this.patterns = 0;
	}

	/**
	 * @param {Write} write one that was just issued
	 */
	add(write) {
		if (concernsAnyKey(write)) {
			this.patterns++;
			return;
		}
		for (const change of changesOf(write)) {
			this.changes.add(change);
		}
	}

	/**
	 * Writes are on disk.
	 *
	 * @param {Write[]} writes
	 * @param {number} foreignChanges how many the cache had seen when they were sent
	 * @param {Outcomes} outcomes
	 * @returns {Read[]} reads that waited for them and have to be read from disk
	 */
	commit(writes, foreignChanges, outcomes) {
		const now = Date.now();
		const isSoleWriter = this.cache.isSoleWriterSince(foreignChanges);
		/** @type {Read[]} */
		const lateReads = [];
		for (const write of writes) {
			if (concernsAnyKey(write)) {
				this.patterns--;
			}
			if (write.kind === "deleteLike") {
				this.cache.clear();
			}
			for (const change of changesOf(write)) {
				this.cache.committed(change, isSoleWriter);
				for (const read of this.changes.commit(change, now)) {
					lateReads.push(read);
				}
			}
			write.resolve(resultOf(write, outcomes));
		}
		return lateReads;
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
			this.patterns--;
		}
		write.reject(error);
		return changesOf(write).flatMap((change) => this.changes.drop(change));
	}
}

/**
 * What a write that is on disk resolves with.
 *
 * @param {Write} write
 * @param {Outcomes} outcomes
 */
function resultOf(write, outcomes) {
	if (write.kind === "sql") {
		return write.job.statements.map(({ bits }) => outcomes.next((bits & WANTS_ROWS) !== 0));
	}
	return write.kind === "update" ? write.update.made?.result : undefined;
}

module.exports = { PendingWrites };
