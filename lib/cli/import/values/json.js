"use strict";

const { Refusal } = require("./kinds.js");

/** Texts that may have a number beyond the largest, which `JSON.parse` takes for infinite: as one pattern, they take longer. */
const LARGE_EXPONENT = /\d[eE]\+?\d{2}/;
const MANY_DIGITS = /\d{300}/;

/** Texts that may have an integer of more digits than a number of JavaScript has room for. */
const LONG_INTEGER = /(?:^|[:[,\s])-?\d{16}/;

/** Such an integer alone. */
const ONLY_LONG_INTEGER = /^-?\d{16,}$/;

/**
 * Parses a value that the source keeps as JSON.
 *
 * @param {string} text
 * @param {Set<import("./kinds.js").Kind>} kinds
 * @param {(value: any) => unknown} [revive] what becomes of each part
 * @returns {any}
 */
function fromJson(text, kinds, revive) {
	const finite = (/** @type {unknown} */ value) => {
		if (value !== Infinity && value !== -Infinity) return value;
		kinds.add("number");
		return String(value);
	};
	const change = LARGE_EXPONENT.test(text) || MANY_DIGITS.test(text) ? finite : revive;
	const both = change === finite && revive !== undefined ? (/** @type {any} */ value) => revive(finite(value)) : change;
	try {
		const value = JSON.parse(text, both && ((_name, value) => both(value)));
		if (LONG_INTEGER.test(text) && hasRoundedInteger(text)) kinds.add("digits");
		return value;
	} catch {
		throw new Refusal("has a value that is not JSON");
	}
}

/**
 * True if `JSON.parse` rounds an integer of a text, which is JSON.
 *
 * @param {string} text
 */
function hasRoundedInteger(text) {
	const token = /"|-?\d[-+.\deE]*/g;
	const end = /"|\\./g;
	for (let found = token.exec(text); found !== null; found = token.exec(text)) {
		if (found[0] !== '"') {
			if (isRounded(found[0])) return true;
			continue;
		}
		end.lastIndex = token.lastIndex;
		while (end.exec(text)?.[0] !== '"');
		token.lastIndex = end.lastIndex;
	}
	return false;
}

/**
 * True for an integer that is another as a number of JavaScript. Where it has the digits that JavaScript writes, it is none.
 *
 * @param {string} digits
 */
function isRounded(digits) {
	const number = Number(digits);
	return (
		ONLY_LONG_INTEGER.test(digits) &&
		Number.isFinite(number) &&
		String(number) !== digits &&
		BigInt(number) !== BigInt(digits)
	);
}

module.exports = { fromJson };
