"use strict";

/**
 * Error of an operation whose arguments were fine. Built here and not in the addon, so that it belongs to the realm that
 * loaded this module (Jest gives each test file one of its own).
 */
class RootcellarError extends Error {
	name = "RootcellarError";

	/**
	 * @param {string} code
	 * @param {string} message
	 * @param {ErrorOptions} [options]
	 */
	constructor(code, message, options) {
		super(message, options);
		this.code = code;
	}
}

/**
 * @param {string} argument its name, as `"values[2].key"`
 * @param {string} expected the rest of the sentence
 * @param {unknown} [cause]
 */
function invalidArgument(argument, expected, cause) {
	const error = new TypeError(`${argument} ${expected}`, cause === undefined ? undefined : { cause });
	return Object.assign(error, { code: "ERR_INVALID_ARGUMENT", argument });
}

/**
 * @param {string} argument
 * @param {unknown} [cause]
 */
function tooLarge(argument, cause) {
	const message = `${argument} is too large: a key and its value have room for one billion bytes together`;
	const error = new RangeError(message, cause === undefined ? undefined : { cause });
	return Object.assign(error, { code: "ERR_TOO_LARGE", argument });
}

/**
 * The error of a failure in the core.
 *
 * @param {{ code: string, message: string, position?: number, argument?: string }} failure
 */
function toError({ code, message, position, argument }) {
	if (code === "ERR_INVALID_ARGUMENT") {
		return Object.assign(new TypeError(message), { code, argument });
	}
	if (code === "ERR_INEXACT_INTEGER" || code === "ERR_TOO_MANY_ROWS") {
		return Object.assign(new RangeError(message), { code });
	}
	const error = new RootcellarError(code, message);
	return position === undefined ? error : Object.assign(error, { position });
}

module.exports = { RootcellarError, invalidArgument, toError, tooLarge };
