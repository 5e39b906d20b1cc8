"use strict";

const { RootcellarError, invalidArgument, tooLarge } = require("./errors.js");

/**
 * The JSON text of a value, a `BigInt` in it as its decimal string.
 *
 * @param {unknown} value
 * @param {string} argument what to call it in an error
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
	} catch {
		// Most often a BigInt, which JSON.stringify refuses. A replacer would slow every other value down, so
		// it is tried only now.
	}
	try {
		return JSON.stringify(value, (_key, part) => (typeof part === "bigint" ? part.toString() : part));
	} catch (error) {
		if (error instanceof RangeError) {
			throw tooLarge(argument, error);
		}
		throw invalidArgument(argument, "must be something that JSON can express: JSON.stringify failed", error);
	}
}

/**
 * What a key holds, from its JSON text; every call makes a new value.
 *
 * @param {string | undefined} text
 * @returns {any}
 */
function decode(text) {
	if (text === undefined) {
		return undefined;
	}
	try {
		return JSON.parse(text);
	} catch {
		// Not as the cause: its message quotes the stored text.
		throw notJson();
	}
}

function notJson() {
	return new RootcellarError("ERR_VALUE_NOT_JSON", "a stored value is not JSON; another program must have written it");
}

/**
 * @param {unknown} value
 */
function kindOf(value) {
	return value === null || value === undefined ? String(value) : `a ${typeof value}`;
}

module.exports = { encode, decode, kindOf };
