"use strict";

const { isBigIntObject, isNativeError } = require("node:util/types");
const { RootcellarError, invalidArgument, tooLarge } = require("./errors.js");
const { KEY_LENGTH_SHOWN } = require("./limits.js");

/**
 * The JSON text of a value, a `BigInt` in it as its decimal string.
 *
 * @param {unknown} value
 * @param {string} argument its name in an error
 * @param {string} key for which it is stored
 * @param {string} [noun] what it is, if that is not the argument itself
 * @returns {string}
 */
function encode(value, argument, key, noun = argument) {
	try {
		const text = stringify(value);
		if (text !== undefined) {
			return text;
		}
	} catch (error) {
		throw notExpressible(argument, `${noun} for the key ${shown(key)}`, error);
	}
	const problem = `must be something that JSON can express, not ${kindOf(value)}`;
	throw Object.assign(invalidArgument(`${noun} for the key ${shown(key)}`, problem), { argument });
}

/**
 * The JSON text of a value that needs no closer look: `undefined` of one that only `encode` can make a text or an error of.
 *
 * @param {unknown} value
 * @returns {string | undefined}
 */
function encodePlain(value) {
	try {
		return JSON.stringify(value);
	} catch {
		return undefined;
	}
}

/**
 * @param {unknown} value
 * @returns {string | undefined}
 */
function stringify(value) {
	try {
		return JSON.stringify(value);
	} catch (error) {
		if (!isBigIntError(error)) {
			throw error;
		}
	}
	// A replacer slows every other value down, so it comes second.
	return JSON.stringify(value, (_key, part) =>
		typeof part === "bigint" || isBigIntObject(part) ? BigInt.prototype.toString.call(part) : part,
	);
}

/**
 * @param {unknown} error thrown by JSON.stringify
 */
function isBigIntError(error) {
	return isNativeError(error) && error.message.includes("BigInt");
}

/**
 * @param {string} argument
 * @param {string} subject
 * @param {unknown} error thrown by JSON.stringify, or by a function that it called
 */
function notExpressible(argument, subject, error) {
	const refused =
		isNativeError(error) && error.message === "Invalid string length"
			? tooLarge(subject, error)
			: invalidArgument(subject, "must be something that JSON can express: JSON.stringify failed", error);
	return Object.assign(refused, { argument });
}

/**
 * A key as messages show it.
 *
 * @param {string} key
 */
function shown(key) {
	return JSON.stringify(key.slice(0, KEY_LENGTH_SHOWN));
}

/**
 * The value of a key, parsed again by every call.
 *
 * @param {string | undefined} text
 * @param {string} key
 * @returns {any}
 */
function decode(text, key) {
	if (text === undefined) {
		return undefined;
	}
	try {
		return JSON.parse(text);
	} catch {
		// Without the cause, whose message quotes the stored text.
		throw notJson(key);
	}
}

/**
 * @param {string} key
 */
function notJson(key) {
	const message = `what is stored under the key ${shown(key)} is not JSON; another program must have written it`;
	return new RootcellarError("ERR_VALUE_NOT_JSON", message);
}

/**
 * @param {unknown} value
 */
function kindOf(value) {
	if (value === null || value === undefined) {
		return String(value);
	}
	if (typeof value !== "object") {
		return `a ${typeof value}`;
	}
	return isArray(value) ? "an array" : "an object";
}

/** @param {object} value also a proxy that is revoked, of which nobody may ask anything */
function isArray(value) {
	try {
		return Array.isArray(value);
	} catch {
		return false;
	}
}

module.exports = { encode, encodePlain, decode, kindOf, shown };
