"use strict";

/**
 * Kinds of values that JSON cannot hold, and what each becomes. That is what `appData.set` makes of such a value; where it
 * would lose the value, the nearest that keeps it.
 */
const KINDS = /** @type {const} */ ({
	date: "a Date became its text in ISO 8601, or null if it was invalid",
	bigint: "a BigInt became its decimal text",
	number: 'NaN or an infinite number became its text, such as "Infinity"',
	digits: "an integer with more digits than a number of JavaScript has became the nearest number",
	undefined: "undefined became null, and a member of an object that was undefined was left out",
	map: "a Map became an object, or a list of [key, value] if a key of it was no text",
	set: "a Set became a list",
	regexp: "a RegExp became its text, /source/flags",
	url: "a URL became its text",
	hole: "a hole of an array became null",
	bytes: 'a Buffer became { type: "Buffer", data: [...] }, which Buffer.from takes',
	utf8: "text that was not in the encoding of its source, as UTF-8, got U+FFFD in place of what was no character",
	null: "the source has NULL for a value, which became null",
	duplicate: "the source has several rows of the key, of which the one that it reads was taken",
});

/** @typedef {keyof typeof KINDS} Kind */

/** Levels that a value may be nested; a program that nests deeper has a fault. */
const DEPTH_MAX = 1_000;

/** Time as `Date.prototype.toISOString` writes it. */
const ISO_TIME = /^(?:\d{4}|[+-]\d{6})-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** The reason why a value is refused. It says nothing of the value. */
class Refusal extends Error {}

const TOO_DEEP = `is nested more than ${DEPTH_MAX} levels deep`;

/**
 * Makes a `Map` what JSON can hold.
 *
 * @param {[unknown, unknown][]} pairs
 * @param {Set<Kind>} kinds
 */
function fromMap(pairs, kinds) {
	kinds.add("map");
	return pairs.every(([key]) => typeof key === "string")
		? fromPairs(/** @type {[string, unknown][]} */ (pairs))
		: pairs;
}

/**
 * An object of any members, `__proto__` among them.
 *
 * @param {[string, unknown][]} pairs
 * @returns {Record<string, unknown>}
 */
function fromPairs(pairs) {
	const object = Object.create(null);
	for (const [key, value] of pairs) object[key] = value;
	return object;
}

/** Numbers that JSON cannot hold, as sources write them. */
const INFINITE = new Set(["NaN", "Infinity", "-Infinity"]);

/** Stands for `undefined` until it is known where it is. */
const UNDEFINED = Symbol("undefined");

/**
 * A value where `undefined` cannot be left out.
 *
 * @param {unknown} value
 */
function defined(value) {
	return value === UNDEFINED ? null : value;
}

/**
 * A value, or null for `undefined`.
 *
 * @param {unknown} value
 * @param {Set<Kind>} kinds
 */
function carried(value, kinds) {
	if (value !== undefined) return value;
	kinds.add("undefined");
	return null;
}

/**
 * @param {unknown[]} items
 * @param {Set<Kind>} kinds
 */
function fromSet(items, kinds) {
	kinds.add("set");
	return items;
}

/**
 * @param {string} text of a date in ISO 8601
 * @param {Set<Kind>} kinds
 */
function fromDate(text, kinds) {
	if (!ISO_TIME.test(text) || Number.isNaN(Date.parse(text))) throw new Refusal("has a Date that is none");
	kinds.add("date");
	return text;
}

/**
 * @param {string} digits
 * @param {Set<Kind>} kinds
 */
function fromBigInt(digits, kinds) {
	if (!/^-?\d+$/.test(digits)) throw new Refusal("has a BigInt that is none");
	kinds.add("bigint");
	return digits;
}

/**
 * @param {string} source
 * @param {string} flags
 * @param {Set<Kind>} kinds
 */
function fromRegExp(source, flags, kinds) {
	kinds.add("regexp");
	return `/${source}/${flags}`;
}

module.exports = {
	DEPTH_MAX,
	INFINITE,
	KINDS,
	Refusal,
	TOO_DEEP,
	UNDEFINED,
	carried,
	defined,
	fromBigInt,
	fromDate,
	fromMap,
	fromPairs,
	fromRegExp,
	fromSet,
};
