"use strict";

const { fromJson } = require("./json.js");
const {
	DEPTH_MAX,
	INFINITE,
	Refusal,
	TOO_DEEP,
	UNDEFINED,
	defined,
	fromBigInt,
	fromDate,
	fromMap,
	fromPairs,
	fromRegExp,
	fromSet,
} = require("./kinds.js");

/**
 * @typedef {import("./kinds.js").Kind} Kind
 * @typedef {(value: any, kinds: Set<Kind>, depth: number) => unknown} Reader
 */

/**
 * Readers of the types, by their number in `t`, as the package better-serialize writes them.
 *
 * @type {Reader[]}
 */
const READERS = [
	(value, kinds, depth) => {
		if (!isObject(value)) throw unknown();
		/** @type {[string, unknown][]} */
		const members = Object.entries(value).map(([name, member]) => [name, read(member, kinds, depth)]);
		return fromPairs(members.filter(([, member]) => member !== UNDEFINED));
	},
	(value) => ofType("string", value),
	(value, kinds) => {
		if (typeof value === "number") return value;
		if (!INFINITE.has(value)) throw unknown();
		kinds.add("number");
		return value;
	},
	(value) => ofType("boolean", value),
	(value, kinds, depth) => items(value, kinds, depth),
	() => null,
	(value, kinds) => {
		if (value !== null) return fromDate(ofType("string", value), kinds);
		kinds.add("date");
		return null;
	},
	(_value, kinds) => {
		kinds.add("undefined");
		return UNDEFINED;
	},
	(value, kinds) => fromBigInt(ofType("string", value), kinds),
	(value, kinds) => fromRegExp(ofType("string", value?.s), ofType("string", value?.f), kinds),
	(value, kinds, depth) => {
		/** @type {[unknown, unknown][]} */
		const pairs = listed(value).map((pair) => {
			const [key, member] = listed(pair);
			return [key, defined(read(member, kinds, depth))];
		});
		return fromMap(pairs, kinds);
	},
	(value, kinds, depth) => fromSet(items(value, kinds, depth), kinds),
];

/**
 * Parses a value that the source keeps as JSON in which each value names its type: `{"t":1,"v":"text"}`.
 *
 * @param {string} text
 * @param {Set<Kind>} kinds
 * @returns {unknown}
 */
function fromTyped(text, kinds) {
	return defined(read(fromJson(text, kinds), kinds, 0));
}

/**
 * @param {any} typed
 * @param {Set<Kind>} kinds
 * @param {number} depth
 * @returns {unknown}
 */
function read(typed, kinds, depth) {
	if (depth > DEPTH_MAX) throw new Refusal(TOO_DEEP);
	const reader = isObject(typed) && Number.isInteger(typed.t) ? READERS[typed.t] : undefined;
	if (reader === undefined) throw unknown();
	return reader(typed.v, kinds, depth + 1);
}

/**
 * @param {unknown} value
 * @param {Set<Kind>} kinds
 * @param {number} depth
 */
function items(value, kinds, depth) {
	return listed(value).map((item) => defined(read(item, kinds, depth)));
}

/**
 * @param {unknown} value
 * @returns {any[]}
 */
function listed(value) {
	if (!Array.isArray(value)) throw unknown();
	return value;
}

/** @param {unknown} value */
function isObject(value) {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * @param {"string" | "boolean"} type
 * @param {any} value
 */
function ofType(type, value) {
	if (typeof value !== type) throw unknown();
	return value;
}

function unknown() {
	return new Refusal("has a value of another form than enmap 6 writes");
}

module.exports = { fromTyped };
