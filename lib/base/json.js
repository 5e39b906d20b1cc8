"use strict";

const { isBigIntObject, isNativeError } = require("node:util/types");
const { RootcellarError, invalidArgument, tooLarge } = require("./errors.js");
const { KEY_LENGTH_SHOWN } = require("./limits.js");

/**
 * The JSON text of a value, a `BigInt` in it as its decimal string.
 *
 * @param {unknown} value
 * @param {string} argument its name in an error
 * @returns {string}
 */
function encode(value, argument) {
	const text = stringify(value, argument);
	if (text === undefined) {
		throw invalidArgument(argument, `must be something that JSON can express, not ${kindOf(value)}`);
	}
	return text;
}

/**
 * @param {unknown} value
 * @param {string} argument
 * @returns {string | undefined}
 */
function stringify(value, argument) {
	try {
		return JSON.stringify(value);
	} catch (error) {
		if (!isBigIntError(error)) {
			throw notExpressible(argument, error);
		}
	}
	// A replacer slows every other value down, so it comes second.
	try {
		return JSON.stringify(value, (_key, part) =>
			typeof part === "bigint" || isBigIntObject(part) ? BigInt.prototype.toString.call(part) : part,
		);
	} catch (error) {
		throw notExpressible(argument, error);
	}
}

/**
 * @param {unknown} error thrown by JSON.stringify
 */
function isBigIntError(error) {
	return isNativeError(error) && error.message.includes("BigInt");
}

/**
 * @param {string} argument
 * @param {unknown} error thrown by JSON.stringify, or by a function that it called
 */
function notExpressible(argument, error) {
	if (isNativeError(error) && error.message === "Invalid string length") {
		return tooLarge(argument, error);
	}
	return invalidArgument(argument, "must be something that JSON can express: JSON.stringify failed", error);
}

/**
 * The value of a key, parsed anew by every call.
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
	const shown = JSON.stringify(key.slice(0, KEY_LENGTH_SHOWN));
	const message = `what is stored under the key ${shown} is not JSON; another program must have written it`;
	return new RootcellarError("ERR_VALUE_NOT_JSON", message);
}

/**
 * @param {unknown} value
 */
function kindOf(value) {
	return value === null || value === undefined ? String(value) : `a ${typeof value}`;
}

module.exports = { encode, decode, kindOf };
