"use strict";

const { isDate, isPromise } = require("node:util/types");
const { invalidArgument, tooLarge } = require("./errors.js");
const { encode, encodePlain, kindOf, shown } = require("./json.js");
const { ROW_BYTES_MAX, TIME_MS_MAX } = require("./limits.js");

/**
 * @typedef {import("./key-entry.js").Entry} Entry
 */

/** UTF-16 units of a text that has room in a row whatever they are. */
const PLAIN_TEXT_LENGTH_MAX = ROW_BYTES_MAX / 3;

/** Name of an update function's result in errors. */
const RESULT = "the result of updateFunc";

/**
 * @param {unknown} key
 * @param {string} argument
 * @returns {string}
 */
function checkKey(key, argument) {
	const text = typeof key === "number" && Number.isFinite(key) ? String(key) : key;
	if (typeof text !== "string") {
		throw invalidArgument(argument, `must be a string or a finite number, not ${kindOf(key)}`);
	}
	return checkText(text, argument);
}

/**
 * @param {unknown} pattern
 * @returns {string}
 */
function checkPattern(pattern) {
	return checkKey(pattern, "keyPattern");
}

/**
 * The community of an operation; `undefined` for the default scope, also if its name is empty, as in the SDK.
 *
 * @param {unknown} communityId
 * @param {string} argument
 * @returns {string | undefined}
 */
function checkCommunity(communityId, argument) {
	if (communityId === undefined || communityId === null || communityId === "") {
		return undefined;
	}
	return checkKey(communityId, argument);
}

/**
 * @param {unknown} expiry
 * @param {string} argument
 * @returns {number | undefined} milliseconds since 1970 UTC
 */
function checkExpiry(expiry, argument) {
	if (expiry === undefined || expiry === null) {
		return undefined;
	}
	const time = isDate(expiry) ? Date.prototype.getTime.call(expiry) : expiry;
	if (typeof time !== "number" || !(Math.abs(time) <= TIME_MS_MAX)) {
		throw invalidArgument(argument, "must be a valid Date or milliseconds since 1970");
	}
	return Math.trunc(time);
}

/**
 * The entries of an array, each checked when it is asked for.
 *
 * @param {unknown[]} list
 */
function* checkedEntries(list) {
	for (let index = 0; index < list.length; index++) {
		yield checkEntry(list[index], index);
	}
}

/**
 * The elements of an array, a hole as `undefined`; `undefined` for anything else.
 *
 * @param {unknown} values
 * @param {string} argument
 * @returns {unknown[] | undefined}
 */
function readArray(values, argument) {
	try {
		return Array.isArray(values) ? Array.from(values) : undefined;
	} catch (error) {
		throw invalidArgument(argument, "cannot be read as an array", error);
	}
}

/**
 * An entry of an array, or the only one. Only where something is wrong, or has to be looked at, its name is made.
 *
 * @param {any} input
 * @param {number | undefined} index
 * @returns {Entry}
 */
function checkEntry(input, index) {
	if (typeof input !== "object" || input === null) {
		throw invalidArgument(nameOf(index), `must be an entry { key, value }, not ${kindOf(input)}`);
	}
	const { key: givenKey, value, expiresAt, expires_at, communityId, ttlMs } = readEntry(input, index);
	if (ttlMs !== undefined) {
		throw invalidArgument(
			nameOf(index, ".ttlMs"),
			"must be left out: an entry here has expiresAt, such as Date.now() + ttlMs",
		);
	}
	const key = isPlainText(givenKey) ? givenKey : checkKey(givenKey, nameOf(index, ".key"));
	const expiry = expiresAt === undefined ? undefined : checkExpiry(expiresAt, nameOf(index, ".expiresAt"));
	const sdkExpiry = expires_at === undefined ? undefined : checkExpiry(expires_at, nameOf(index, ".expires_at"));
	if (expiry !== undefined && sdkExpiry !== undefined && expiry !== sdkExpiry) {
		throw invalidArgument(nameOf(index, ".expires_at"), "must agree with expiresAt where both are given");
	}
	const community = communityId === undefined ? undefined : checkCommunity(communityId, nameOf(index, ".communityId"));
	const text = encodePlain(value) ?? encode(value, nameOf(index, ".value"), key);
	if (!fits(key, text)) {
		throw tooLarge(nameOf(index));
	}
	return { community, key, text, expiresAt: expiry ?? sdkExpiry };
}

/**
 * @param {number | undefined} index
 * @param {string} [property]
 */
function nameOf(index, property = "") {
	return `${index === undefined ? "values" : `values[${index}]`}${property}`;
}

/**
 * True for a text that can be stored without a closer look.
 *
 * @param {unknown} text
 * @returns {text is string}
 */
function isPlainText(text) {
	return typeof text === "string" && text.length <= PLAIN_TEXT_LENGTH_MAX && text.isWellFormed();
}

/**
 * Reads each property once: a getter or a proxy may throw, or answer otherwise the next time.
 *
 * @param {any} input
 * @param {number | undefined} index
 */
function readEntry(input, index) {
	try {
		const { key, value, expiresAt, expires_at, communityId, ttlMs } = input;
		return { key, value, expiresAt, expires_at, communityId, ttlMs };
	} catch (error) {
		throw invalidArgument(nameOf(index), "cannot be read: a getter or proxy threw", error);
	}
}

/**
 * @param {unknown} updateFunc
 * @returns {(data: any) => unknown}
 */
function checkUpdateFunction(updateFunc) {
	if (typeof updateFunc !== "function") {
		throw invalidArgument("updateFunc", `must be a function, not ${kindOf(updateFunc)}`);
	}
	return /** @type {(data: any) => unknown} */ (updateFunc);
}

/**
 * The JSON text of what an update function returned.
 *
 * @param {any} result
 * @param {string} key
 * @returns {string}
 */
function checkUpdateResult(result, key) {
	if (isAsynchronous(result)) {
		refusePromise(result, ` for the key ${shown(key)}`);
	}
	const text = encode(result, "updateFunc", key, RESULT);
	checkSize(key, text, "updateFunc");
	return text;
}

/**
 * True for the result of an update function that is asynchronous.
 *
 * @param {any} result
 */
function isAsynchronous(result) {
	return isPromise(result) || isThenable(result);
}

/**
 * Refuses such a result.
 *
 * @param {any} result
 * @param {string} where the end of the sentence
 */
function refusePromise(result, where) {
	// Nobody else handles its rejection, which would end the process.
	Promise.resolve(result).catch(() => {});
	throw invalidArgument("updateFunc", `must be synchronous, but returned a promise${where}`);
}

/**
 * @param {any} result
 */
function isThenable(result) {
	try {
		return typeof result?.then === "function";
	} catch {
		// JSON.stringify will meet the getter that throws.
		return false;
	}
}

/**
 * @param {string} key
 * @param {string} text
 * @param {string} argument
 */
function checkSize(key, text, argument) {
	if (!fits(key, text)) {
		throw tooLarge(argument);
	}
}

/**
 * True if a key and its value have room in a row.
 *
 * @param {string} key
 * @param {string} text
 */
function fits(key, text) {
	// A UTF-16 unit takes at most three bytes of UTF-8, so that only long texts have to be counted.
	return (
		(key.length + text.length) * 3 <= ROW_BYTES_MAX || Buffer.byteLength(key) + Buffer.byteLength(text) <= ROW_BYTES_MAX
	);
}

/**
 * Kind of an object that cannot be options: all of them would seem to be left out.
 *
 * @param {object} given
 * @param {string[]} names of the options
 * @returns {string | undefined}
 */
function otherThanOptions(given, names) {
	if (isPlainObject(given) || names.some((name) => name in given)) {
		return kindOfCollection(given);
	}
	return kindOfCollection(given) ?? "one of another class";
}

/**
 * Kind of an object that holds values, but not by names of its own.
 *
 * @param {object} given
 * @returns {string | undefined}
 */
function kindOfCollection(given) {
	if (Array.isArray(given)) {
		return "an array";
	}
	if (isDate(given)) {
		return "a Date";
	}
	return Symbol.iterator in given ? "one to iterate over" : undefined;
}

/**
 * True for an object without a class, whichever realm it is of.
 *
 * @param {object} given
 */
function isPlainObject(given) {
	const prototype = Object.getPrototypeOf(given);
	return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/**
 * Refuses what is no options, and names that are none.
 *
 * @param {any} given
 * @param {string[]} names of the options
 * @param {string} argument
 */
function checkOptionsObject(given, names, argument) {
	if (typeof given !== "object" || given === null) {
		throw invalidArgument(argument, `must be an object, not ${kindOf(given)}`);
	}
	const other = otherThanOptions(given, names);
	if (other !== undefined) {
		throw invalidArgument(argument, `must be an object, not ${other}`);
	}
	checkOptionNames(given, names, argument);
}

/**
 * Refuses names that are no options: with a mistyped name the default would apply, which was not meant.
 *
 * @param {object} options
 * @param {string[]} names of the options
 * @param {string} argument
 */
function checkOptionNames(options, names, argument) {
	const unknown = Object.keys(options).find((name) => !names.includes(name));
	if (unknown !== undefined) {
		throw invalidArgument(`${argument}.${unknown}`, `is no option here; expected ${names.join(", ")}`);
	}
}

/**
 * @param {unknown} ms a number of milliseconds, or `undefined`
 * @param {string} argument
 * @param {{ least?: number, most?: number }} [bounds]
 */
function checkDuration(ms, argument, { least = 0, most = Infinity } = {}) {
	if (ms !== undefined && !(typeof ms === "number" && ms >= least && ms <= most)) {
		const range = most === Infinity ? `from ${least}` : `from ${least} to ${most}`;
		throw invalidArgument(argument, `must be a number of milliseconds, ${range}`);
	}
}

/**
 * @param {string} text
 * @param {string} argument
 */
function checkText(text, argument) {
	if (text.length * 3 > ROW_BYTES_MAX && Buffer.byteLength(text) > ROW_BYTES_MAX) {
		throw tooLarge(argument);
	}
	if (!text.isWellFormed()) {
		throw invalidArgument(argument, "must not have a lone surrogate, which cannot be stored");
	}
	return text;
}

module.exports = {
	checkCommunity,
	checkDuration,
	checkEntry,
	checkedEntries,
	checkExpiry,
	checkKey,
	checkOptionNames,
	checkOptionsObject,
	checkPattern,
	checkSize,
	checkUpdateFunction,
	checkUpdateResult,
	isAsynchronous,
	kindOfCollection,
	otherThanOptions,
	readArray,
	refusePromise,
};
