"use strict";

const {
	LATE_RUN_PENALTY,
	INLINE_READS_KNOWN_MAX,
	INLINE_READ_US,
	INLINE_SCORE_MAX,
	INLINE_SCORE_MIN,
	SLOW_RUN_PENALTY,
} = require("../base/limits.js");

/**
 * Which reads in SQL take less time than it takes to have another thread do them, by what they took so far.
 *
 * Those are done at once. One that turns out to take longer, because its table has grown or its parameters are others,
 * is given up after a fraction of a millisecond, and is left to the other threads for a while.
 */
class InlineReads {
	constructor() {
		/** @type {Map<string, number>} how much more often each was quick than slow, lately */
		this.scores = new Map();
	}

	/**
	 * @param {string} sql
	 */
	isInline(sql) {
		return this.score(sql) >= INLINE_SCORE_MIN;
	}

	/**
	 * What a read took on another thread. Where processors are busy, a quick one may take long now and then.
	 *
	 * @param {string} sql
	 * @param {number} microseconds
	 */
	took(sql, microseconds) {
		this.add(sql, microseconds <= INLINE_READ_US ? 1 : -1);
	}

	/**
	 * A read was done at once, and took long.
	 *
	 * @param {string} sql
	 */
	wasLate(sql) {
		this.add(sql, -LATE_RUN_PENALTY);
	}

	/**
	 * A read could not be done at once.
	 *
	 * @param {string} sql
	 */
	wasGivenUp(sql) {
		this.add(sql, -SLOW_RUN_PENALTY);
	}

	/**
	 * @param {string} sql
	 */
	score(sql) {
		return this.scores.get(sql) ?? 0;
	}

	/**
	 * @param {string} sql
	 * @param {number} points
	 */
	add(sql, points) {
		const score = Math.max(Math.min(this.score(sql) + points, INLINE_SCORE_MAX), -SLOW_RUN_PENALTY);
		if (this.scores.size >= INLINE_READS_KNOWN_MAX && !this.scores.has(sql)) {
			this.scores.clear();
		}
		this.scores.set(sql, score);
	}
}

module.exports = { InlineReads };
