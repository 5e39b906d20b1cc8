"use strict";

const {
	LATE_RUN_PENALTY,
	INLINE_READS_KNOWN_MAX,
	INLINE_READ_US,
	INLINE_SCORE_MAX,
	INLINE_SCORE_MIN,
	SLOW_RUN_PENALTY,
} = require("../../base/limits.js");

/**
 * Statistics of reads in SQL, by their text: a read that has taken less time than handing it to another thread does is
 * done inline, on the JavaScript thread.
 *
 * A read that turns out to take longer, because its table has grown or its parameters differ, is given up after a fraction
 * of a millisecond, and left to the reader threads for a while.
 */
class InlineReads {
	constructor() {
		/** @type {Map<string, number>} the score of each: a point for every quick run, lately, less one for every slow one */
		this.scores = new Map();
	}

	/**
	 * @param {string} sql
	 */
	isInline(sql) {
		return this.score(sql) >= INLINE_SCORE_MIN;
	}

	/**
	 * Records the duration of a read on another thread. Where processors are busy, a quick one may take long now and then.
	 *
	 * @param {string} sql
	 * @param {number} microseconds
	 */
	took(sql, microseconds) {
		this.add(sql, microseconds <= INLINE_READ_US ? 1 : -1);
	}

	/**
	 * Records a read that was done inline, and took long.
	 *
	 * @param {string} sql
	 */
	wasLate(sql) {
		this.add(sql, -LATE_RUN_PENALTY);
	}

	/**
	 * Records a read that could not be done inline.
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
