"use strict";

const {
	checkDuration,
	checkExpiry,
	checkKey,
	checkOptionNames,
	checkSize,
	checkUpdateResult,
	readArray,
	isAsynchronous,
	kindOfCollection,
	otherThanOptions,
	refusePromise,
} = require("./arguments.js");
const { invalidArgument } = require("./errors.js");
const { encode, kindOf, shown } = require("./json.js");
const { KEY_LENGTH_SHOWN, LIST_ROWS_DEFAULT, LIST_ROWS_MAX, TIME_MS_MAX, UPDATE_KEYS_MAX } = require("./limits.js");
const { nextText } = require("./text-order.js");

/**
 * Keys from one on up to another, which is not among them, in the order of their bytes in UTF-8. Without an end there is no
 * upper bound.
 *
 * @typedef {{ readonly from: string, readonly to: string | undefined }} KeyRange
 */

/**
 * Amount of an increment, its least and its greatest result, and the expiry of a key that is not there.
 *
 * @typedef {{ by: number, min: number, max: number, expiresAt: number | undefined }} Increment
 */

/**
 * Options of a list, checked.
 *
 * @typedef {{ range: KeyRange, isReverse: boolean, limit: number, cursor: string | undefined }} ListOptions
 */

const EXPIRY_OPTIONS = ["ttlMs", "expiresAt"];
const INCREMENT_OPTIONS = [...EXPIRY_OPTIONS, "min", "max"];
const ENTRY_PROPERTIES = ["key", "value", ...EXPIRY_OPTIONS];
const RANGE_OPTIONS = ["prefix", "start", "startAfter", "end"];
const REVERSIBLE_RANGE_OPTIONS = [...RANGE_OPTIONS, "reverse"];
const LIST_OPTIONS = [...REVERSIBLE_RANGE_OPTIONS, "limit", "cursor"];

/**
 * The options of a call as an object of their own. Each is read once, also one that it has from its class: a getter or a
 * proxy may throw, or answer otherwise the next time.
 *
 * @param {any} given
 * @param {string} argument
 * @param {string[]} names of the options
 * @returns {Record<string, unknown>}
 */
function readOptions(given, argument, names) {
	if (typeof given !== "object" || given === null) {
		throw invalidArgument(argument, `must be an object, not ${kindOf(given)}`);
	}
	/** @type {Record<string, unknown>} */
	let own;
	/** @type {Record<string, unknown>} */
	const options = {};
	/** @type {string | undefined} */
	let other;
	try {
		other = otherThanOptions(given, names);
		own = { ...given };
		for (const name of names) {
			const value = Object.hasOwn(own, name) ? own[name] : given[name];
			if (value !== undefined) options[name] = value;
		}
	} catch (error) {
		throw invalidArgument(argument, "cannot be read: a getter or proxy threw", error);
	}
	if (other !== undefined) {
		throw invalidArgument(argument, `must be an object, not ${other}`);
	}
	checkOptionNames(own, names, argument);
	return options;
}

/**
 * @param {unknown} keys
 * @param {string} argument
 * @returns {string[]}
 */
function checkKeys(keys, argument) {
	const list = readArray(keys, argument);
	if (list === undefined) {
		throw invalidArgument(argument, `must be an array of keys, not ${kindOf(keys)}`);
	}
	const checked = new Array(list.length);
	for (let index = 0; index < checked.length; index++) {
		const key = list[index];
		// The name is made only where it is needed.
		checked[index] =
			typeof key === "string" && key.length <= KEY_LENGTH_SHOWN && key.isWellFormed()
				? key
				: checkKey(key, `${argument}[${index}]`);
	}
	return checked;
}

/**
 * The range of the keys that options select: all of them, without any.
 *
 * @param {Record<string, unknown>} options
 * @param {string} argument
 * @returns {KeyRange}
 */
function rangeOf({ prefix, start, startAfter, end }, argument) {
	if (prefix !== undefined) {
		const other = Object.entries({ start, startAfter, end }).find(([, value]) => value !== undefined);
		if (other) {
			throw invalidArgument(`${argument}.prefix`, `must not be given together with ${other[0]}`);
		}
		const from = checkKey(prefix, `${argument}.prefix`);
		return { from, to: nextText(from) };
	}
	if (start !== undefined && startAfter !== undefined) {
		throw invalidArgument(`${argument}.startAfter`, "must not be given together with start");
	}
	const to = end === undefined ? undefined : checkKey(end, `${argument}.end`);
	if (startAfter !== undefined) {
		return { from: after(checkKey(startAfter, `${argument}.startAfter`)), to };
	}
	return { from: start === undefined ? "" : checkKey(start, `${argument}.start`), to };
}

/**
 * The least key behind another.
 *
 * @param {string} key
 */
function after(key) {
	return `${key}\0`;
}

/**
 * @param {unknown} range
 * @returns {KeyRange}
 */
function checkRange(range = {}) {
	return rangeOf(readOptions(range, "range", RANGE_OPTIONS), "range");
}

/**
 * A range that must be given: nobody means every key by an empty one.
 *
 * @param {unknown} range
 * @returns {KeyRange}
 */
function checkGivenRange(range) {
	const options = readOptions(range, "range", RANGE_OPTIONS);
	if (Object.values(options).every((value) => value === undefined)) {
		throw invalidArgument("range", 'must say which keys: { prefix: "" } stands for every key');
	}
	return rangeOf(options, "range");
}

/**
 * @param {unknown} range
 * @returns {{ range: KeyRange, isReverse: boolean }}
 */
function checkReversibleRange(range = {}) {
	const options = readOptions(range, "range", REVERSIBLE_RANGE_OPTIONS);
	return { range: rangeOf(options, "range"), isReverse: checkReverse(options, "range") };
}

/**
 * @param {unknown} given
 * @returns {ListOptions}
 */
function checkListOptions(given = {}) {
	const options = readOptions(given, "options", LIST_OPTIONS);
	const { limit = LIST_ROWS_DEFAULT, cursor } = options;
	const isReverse = checkReverse(options, "options");
	if (typeof limit !== "number" || !Number.isInteger(limit) || limit < 1 || limit > LIST_ROWS_MAX) {
		throw invalidArgument("options.limit", `must be an integer from 1 to ${LIST_ROWS_MAX}`);
	}
	if (cursor !== undefined && typeof cursor !== "string") {
		throw invalidArgument("options.cursor", `must be the cursor of a page, which is a string, not ${kindOf(cursor)}`);
	}
	return { range: rangeOf(options, "options"), isReverse, limit, cursor };
}

/**
 * @param {Record<string, unknown>} options
 * @param {string} argument
 */
function checkReverse({ reverse = false }, argument) {
	if (typeof reverse !== "boolean") {
		throw invalidArgument(`${argument}.reverse`, `must be true or false, not ${kindOf(reverse)}`);
	}
	return reverse;
}

/**
 * The expiry that `ttlMs` or `expiresAt` gives.
 *
 * @param {Record<string, unknown>} options
 * @param {string} argument the object that has them
 * @returns {number | undefined} milliseconds since 1970 UTC
 */
function expiryOf({ ttlMs, expiresAt }, argument) {
	if (ttlMs === undefined) {
		return checkExpiry(expiresAt, `${argument}.expiresAt`);
	}
	if (expiresAt !== undefined) {
		throw invalidArgument(`${argument}.expiresAt`, "must not be given together with ttlMs");
	}
	const now = Date.now();
	checkDuration(ttlMs, `${argument}.ttlMs`, { most: TIME_MS_MAX - now });
	return Math.trunc(now + /** @type {number} */ (ttlMs));
}

/**
 * An expiry that must be given: `null` stands for never.
 *
 * @param {unknown} expiry
 * @returns {number | undefined} milliseconds since 1970 UTC
 */
function checkGivenExpiry(expiry) {
	if (expiry === null) {
		return undefined;
	}
	const at = expiryOf(readOptions(expiry, "expiry", EXPIRY_OPTIONS), "expiry");
	if (at === undefined) {
		throw invalidArgument("expiry", "must have ttlMs or expiresAt; null stands for never");
	}
	return at;
}

/**
 * @param {unknown} by
 * @param {unknown} given
 * @returns {Increment}
 */
function checkIncrement(by = 1, given) {
	if (typeof by !== "number" || !Number.isFinite(by)) {
		throw invalidArgument("by", `must be a finite number, not ${typeof by === "number" ? by : kindOf(by)}`);
	}
	if (given === undefined) {
		return { by, min: -Infinity, max: Infinity, expiresAt: undefined };
	}
	const options = readOptions(given, "options", INCREMENT_OPTIONS);
	const min = checkBound(options, "min", -Infinity);
	const max = checkBound(options, "max", Infinity);
	if (min > max) {
		throw invalidArgument("options.min", "must not be greater than max");
	}
	return { by, min, max, expiresAt: expiryOf(options, "options") };
}

/**
 * @param {Record<string, unknown>} options
 * @param {string} name
 * @param {number} none the bound of those who give none
 * @returns {number}
 */
function checkBound(options, name, none) {
	const { [name]: bound = none } = options;
	if (typeof bound !== "number" || Number.isNaN(bound)) {
		throw invalidArgument(
			`options.${name}`,
			`must be a number, not ${typeof bound === "number" ? bound : kindOf(bound)}`,
		);
	}
	return bound;
}

/**
 * @param {unknown} given
 * @returns {{ key: string, text: string, expiresAt: number | undefined }}
 */
function checkNewEntry(given) {
	const { key: givenKey, value, ...expiry } = readOptions(given, "entry", ENTRY_PROPERTIES);
	const key = checkKey(givenKey, "entry.key");
	const expiresAt = expiryOf(expiry, "entry");
	const text = encode(value, "entry.value", key);
	checkSize(key, text, "entry");
	return { key, text, expiresAt };
}

/**
 * @param {unknown} given
 * @returns {string[]} each key once
 */
function checkUpdateKeys(given) {
	const keys = checkKeys(given, "keys");
	if (keys.length > UPDATE_KEYS_MAX) {
		throw invalidArgument("keys", `must be ${UPDATE_KEYS_MAX} keys at most`);
	}
	return [...new Set(keys)];
}

/**
 * Texts and values of the keys of an `updateMany`, from the result of its function.
 *
 * @param {any} result what it returned
 * @param {string[]} keys
 * @returns {{ texts: (string | null | undefined)[], values: unknown[] }} `null` for a key that stays as it is,
 *   `undefined` for one to delete
 */
function checkUpdateManyResult(result, keys) {
	if (isAsynchronous(result)) {
		refusePromise(result, "");
	}
	if (result === undefined) {
		return { texts: keys.map(() => null), values: [] };
	}
	const made = readResult(result);
	for (const value of made.values()) {
		// Only one can be refused by name; the rejections of the others are nobody's either.
		if (isAsynchronous(value)) Promise.resolve(value).catch(() => {});
	}
	const known = new Set(keys);
	const other = [...made.keys()].find((key) => !known.has(key));
	if (other !== undefined) {
		throw invalidArgument(
			"updateFunc",
			`must return values of the keys that were given; ${shown(other)} is none of them`,
		);
	}
	const values = keys.map((key) => made.get(key));
	const texts = keys.map((key, index) => {
		const value = values[index];
		if (value === undefined) {
			return made.has(key) ? undefined : null;
		}
		return checkUpdateResult(value, key);
	});
	return { texts, values };
}

/**
 * @param {any} result
 * @returns {Map<string, unknown>}
 */
function readResult(result) {
	/** @type {string | undefined} */
	let kind;
	try {
		kind = kindOfResult(result);
		if (kind === undefined) {
			return new Map(Object.entries(result));
		}
	} catch (error) {
		throw invalidArgument("updateFunc", "returned an object that cannot be read: a getter or proxy threw", error);
	}
	throw invalidArgument("updateFunc", `must return an object of values by their keys, or undefined, not ${kind}`);
}

/**
 * Kind of a result that is not an object of values by their keys. Maps, sets and generators have none, and would change
 * nothing.
 *
 * @param {any} result
 * @returns {string | undefined}
 */
function kindOfResult(result) {
	if (typeof result !== "object" || result === null) {
		return kindOf(result);
	}
	const isStream = Symbol.asyncIterator in result;
	return kindOfCollection(result) ?? (isStream ? "one to iterate over" : undefined);
}

module.exports = {
	after,
	checkGivenExpiry,
	checkGivenRange,
	checkIncrement,
	checkKeys,
	checkListOptions,
	checkNewEntry,
	checkRange,
	checkReversibleRange,
	checkUpdateKeys,
	checkUpdateManyResult,
	rangeOf,
	readOptions,
};
