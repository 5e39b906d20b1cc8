"use strict";

const { performance } = require("node:perf_hooks");
const { INLINE_READ_MS_MAX, SQL_READ_COST } = require("../base/limits.js");
const { InlineReads } = require("./inline-reads.js");

/**
 * @typedef {InstanceType<typeof import("../cache/coherent-cache.js").CoherentCache>} CoherentCache
 * @typedef {InstanceType<typeof import("../native/lazy-connection.js").LazyConnection>} LazyConnection
 * @typedef {import("../native/sql-requests.js").Read} Read
 */

/** Reads in SQL: on the threads for that, or at once where that takes next to no time. */
class SqlReads {
	/**
	 * @param {LazyConnection} connection
	 * @param {CoherentCache} cache whose turns they share
	 */
	constructor(connection, cache) {
		this.connection = connection;
		this.cache = cache;
		this.inline = new InlineReads();
	}

	/**
	 * Starts reads, all of one moment.
	 *
	 * @param {Read[]} reads
	 * @param {() => void} started called only if the snapshot was not taken when this returned
	 * @returns {boolean} whether the snapshot is taken
	 */
	start(reads, started) {
		const [first] = reads;
		if (first === undefined || (reads.length === 1 && this.readAtOnce(first))) {
			return true;
		}
		return this.connection.opened.readSql(reads, started);
	}

	/**
	 * @param {Read} read
	 * @returns {boolean} whether that could be done
	 */
	readAtOnce(read) {
		const { sql } = read.statement;
		if (this.connection.isLease) {
			return false;
		}
		if (this.inline.isInline(sql)) {
			const since = performance.now();
			const rows = this.connection.opened.readSqlNow(read.statement, this.cache.isFileSeen);
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
