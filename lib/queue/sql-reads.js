"use strict";

const { performance } = require("node:perf_hooks");
const { QUICK_READ_MS_MAX, SQL_READ_COST } = require("../base/limits.js");
const { QuickReads } = require("./inline-reads.js");

/**
 * @typedef {InstanceType<typeof import("../cache/coherent-cache.js").CoherentCache>} CoherentCache
 * @typedef {InstanceType<typeof import("../native/lazy-connection.js").Session>} Session
 * @typedef {import("../native/sql-requests.js").Read} Read
 */

/** Reads in SQL: on the threads for that, or at once where that takes next to no time. */
class SqlReads {
	/**
	 * @param {Session} session
	 * @param {CoherentCache} cache whose turns they share
	 */
	constructor(session, cache) {
		this.session = session;
		this.cache = cache;
		this.quick = new QuickReads();
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
		return this.session.connection.readSql(reads, started);
	}

	/**
	 * @param {Read} read
	 * @returns {boolean} whether that could be done
	 */
	readAtOnce(read) {
		const { sql } = read.statement;
		if (this.session.isLease) {
			return false;
		}
		if (this.quick.isQuick(sql)) {
			const since = performance.now();
			const rows = this.session.connection.readSqlNow(read.statement, this.cache.isFileSeen);
			if (rows) {
				if (performance.now() - since > QUICK_READ_MS_MAX) {
					this.quick.wasLate(sql);
				}
				this.cache.spend(SQL_READ_COST);
				read.slice(rows, true);
				return true;
			}
			this.quick.wasGivenUp(sql);
		}
		read.took = (microseconds) => this.quick.took(sql, microseconds);
		return false;
	}
}

module.exports = { SqlReads };
