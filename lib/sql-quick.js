"use strict";

const { QUICK_READS_KNOWN_MAX, QUICK_READ_US, QUICK_RUNS_MIN, SLOW_RUNS_PENALTY } = require("./limits.js");

/**
 * Which reads in SQL take less time than it takes to have another thread do them, by what they took so far.
 *
 * Those are done at once. One that turns out to take longer, because its table has grown or its parameters are others,
 * is given up after a fraction of a millisecond, and is left to the other threads for a while.
 */
class QuickReads {
	constructor() {
		/** @type {Map<string, number>} how often in a row each was quick; less than nothing if it was slow lately */
		this.runs = new Map();
	}

	/**
	 * @param {string} sql
	 */
	isQuick(sql) {
		return (this.runs.get(sql) ?? 0) >= QUICK_RUNS_MIN;
	}

	/**
	 * @param {string} sql
	 * @param {number} microseconds
	 */
	took(sql, microseconds) {
		const runs = this.runs.get(sql) ?? 0;
		if (this.runs.size >= QUICK_READS_KNOWN_MAX && !this.runs.has(sql)) {
			this.runs.clear();
		}
		this.runs.set(sql, microseconds <= QUICK_READ_US ? runs + 1 : Math.min(runs, 0));
	}

	/**
	 * @param {string} sql
	 */
	wasSlow(sql) {
		this.runs.set(sql, -SLOW_RUNS_PENALTY);
	}
}

module.exports = { QuickReads };
