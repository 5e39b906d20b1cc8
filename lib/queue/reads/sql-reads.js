"use strict";

const { performance } = require("node:perf_hooks");
const { INLINE_READ_MS_MAX, SQL_READ_COST } = require("../../base/limits.js");
const { InlineReads } = require("./inline-reads.js");

/**
 * @typedef {InstanceType<typeof import("../../cache/coherent-cache.js").CoherentCache>} CoherentCache
 * @typedef {InstanceType<typeof import("../../native/lazy-connection.js").LazyConnection>} LazyConnection
 * @typedef {InstanceType<typeof import("../../native/requests.js").SqlRead>} SqlRead
 */

/** Reads in SQL: on reader threads, or inline where that takes next to no time. */
class SqlReads {
	/**
	 * @param {LazyConnection} connection
	 * @param {CoherentCache} cache whose budget of a turn they share
	 */
	constructor(connection, cache) {
		this.connection = connection;
		this.cache = cache;
		this.inline = new InlineReads();
	}

	/**
	 * Starts reads, all in one snapshot.
	 *
	 * @param {SqlRead[]} reads
	 * @param {() => void} started called only if the snapshot was not taken when this returned
	 * @returns {boolean} whether the snapshot is taken
	 */
	start(reads, started) {
		const [first] = reads;
		if (first === undefined || (reads.length === 1 && this.readInline(first))) {
			return true;
		}
		return this.connection.opened.readSql(reads, started);
	}

	/**
	 * @param {SqlRead} read
	 * @returns {boolean} whether it could be done inline
	 */
	readInline(read) {
		const { sql } = read.statement;
		if (this.connection.isLease) {
			return false;
		}
		if (this.inline.isInline(sql)) {
			const since = performance.now();
			const { opened } = this.connection;
			const keeps = this.cache.keepsSnapshotOf(opened);
			const rows = opened.readSqlNow(read.statement, this.cache.isFileSeen, keeps);
			if (rows) {
				if (performance.now() - since > INLINE_READ_MS_MAX) {
					this.inline.wasLate(sql);
				}
				this.cache.spend(SQL_READ_COST);
				read.slice(rows, true);
				return true;
			}
			this.inline.wasGivenUp(sql);
		}
		read.took = (microseconds) => this.inline.took(sql, microseconds);
		return false;
	}
}

module.exports = { SqlReads };
