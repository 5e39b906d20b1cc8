"use strict";

const { Refusal } = require("./kinds.js");

/** Texts that may have a number beyond the largest, which `JSON.parse` takes for infinite. */
const LARGE_NUMBER = /e\+?0*\d{2}|\d{300}/i;

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
	const change = LARGE_NUMBER.test(text) ? finite : revive;
	const both = change === finite && revive !== undefined ? (/** @type {any} */ value) => revive(finite(value)) : change;
	try {
		return JSON.parse(text, both && ((_name, value) => both(value)));
	} catch {
		throw new Refusal("has a value that is not JSON");
	}
}

module.exports = { fromJson };
