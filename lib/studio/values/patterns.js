"use strict";

const { nextText } = require("../../base/text-order.js");
const { CASES_LETTERS_MAX } = require("../limits.js");

// Filters as they are typed: the beginning of keys, or with `%` in it a pattern as `select` takes it.

/**
 * Range of keys, in the order of their bytes. Without an end it goes up to the last text.
 *
 * @typedef {{ start: string, end: string | undefined }} Range
 */

/**
 * The pattern of a filter for SQL's `LIKE` with a backslash as its escape; `undefined` if the filter is the beginning of keys.
 *
 * @param {string} filter
 */
function toPattern(filter) {
	if (!filter.includes("%")) return undefined;
	// In a pattern of `select` a backslash before anything else is a backslash.
	return filter.replace(/\\(?:([%_\\])|)/g, (_, escaped) => `\\${escaped ?? "\\"}`);
}

/**
 * Ranges in which all keys lie that a filter finds. A pattern matches letters of either case, which lie apart; the first few
 * letters are taken in both.
 *
 * @param {string} filter
 * @returns {Range[]}
 */
function rangesOf(filter) {
	if (toPattern(filter) === undefined) return [{ start: filter, end: nextText(filter) }];
	const [begin] = /** @type {RegExpExecArray} */ (/^(?:[^%_\\]|\\[%_\\]?)*/.exec(filter));
	const literal = begin.replace(/\\([%_\\])/g, "$1");
	/** @type {string[]} */
	let starts = [""];
	let letters = 0;
	for (const character of literal) {
		const isLetter = /[a-z]/i.test(character);
		if (isLetter && ++letters > CASES_LETTERS_MAX) break;
		const cases = isLetter ? [character.toUpperCase(), character.toLowerCase()] : [character];
		starts = starts.flatMap((start) => cases.map((one) => start + one));
	}
	return starts.map((start) => ({ start, end: nextText(start) }));
}

module.exports = { rangesOf, toPattern };
