"use strict";

const { isNativeError } = require("node:util/types");

/**
 * Errors made here.
 *
 * @type {WeakSet<object>}
 */
const ours = new WeakSet();

/**
 * Those of them whose stack says nothing yet of who waits for them.
 *
 * @type {WeakSet<object>}
 */
const untraced = new WeakSet();

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
		ours.add(this);
		untraced.add(this);
	}
}

/**
 * @param {string} argument its name, as `"values[2].key"`
 * @param {string} expected the rest of the sentence
 * @param {unknown} [cause]
 */
function invalidArgument(argument, expected, cause) {
	const error = new TypeError(`${argument} ${expected}`, cause === undefined ? undefined : { cause });
	return withProperties(error, { code: "ERR_INVALID_ARGUMENT", argument });
}

/**
 * @param {string} argument
 * @param {unknown} [cause]
 */
function tooLarge(argument, cause) {
	const message = `${argument} is too large: a key and its value have room for one billion bytes together`;
	const error = new RangeError(message, cause === undefined ? undefined : { cause });
	return withProperties(error, { code: "ERR_TOO_LARGE", argument });
}

/**
 * The error of a failure in the core.
 *
 * @param {import("../native/addon").Failure} failure
 */
function toError({ code, message, position, argument, statement, sqlState }) {
	const inBatch = statement === undefined ? {} : { statementIndex: statement };
	if (sqlState !== undefined) {
		return withProperties(new RootcellarError(code, message), { sqlState });
	}
	if (code === "ERR_INVALID_ARGUMENT") {
		return withProperties(new TypeError(message), { code, argument, ...inBatch });
	}
	if (code === "ERR_INEXACT_INTEGER" || code === "ERR_TOO_MANY_ROWS" || code === "ERR_OUT_OF_RANGE") {
		return withProperties(new RangeError(message), { code, ...inBatch });
	}
	return Object.assign(new RootcellarError(code, message), position === undefined ? {} : { position }, inBatch);
}

/**
 * An error of this package that has another class than its own.
 *
 * @template {Error} E
 * @template {object} P
 * @param {E} error
 * @param {P} properties
 */
function withProperties(error, properties) {
	ours.add(error);
	untraced.add(error);
	return Object.assign(error, properties);
}

/**
 * The same error for another operation that it ends: each has a stack of its own.
 *
 * @param {unknown} error
 */
function copyOf(error) {
	if (!(error instanceof RootcellarError)) {
		return error;
	}
	const { code, message, cause } = error;
	return Object.assign(new RootcellarError(code, message, cause === undefined ? undefined : { cause }), error);
}

/**
 * Makes the function that rejects a promise: the stack of an error of this package then names the asynchronous functions
 * that wait for the promise (`at async addPlayer`), as if it were thrown where they call. An error that an event brings has
 * none of them of itself. V8 finds them from a promise that is about to be rejected; so the error takes the way through
 * another promise, which costs a call that succeeds nothing.
 *
 * @param {(value: any) => void} resolve
 * @param {(error: unknown) => void} reject
 * @param {boolean} [isOuter] whether the error may have come from a promise within, whose own frames come first
 * @returns {(error: unknown) => void}
 */
function rejecter(resolve, reject, isOuter = false) {
	return (error) => {
		if (isNativeError(error) && (isOuter ? ours.has(error) : untraced.has(error))) {
			resolve(rejectedLater(error));
		} else {
			reject(error);
		}
	};
}

/**
 * A promise that is rejected when another, which was resolved with it, waits for it.
 *
 * @param {Error} error
 */
function rejectedLater(error) {
	const later = Promise.resolve()
		.then(noop)
		.then(function rejectNow() {
			addFrames(error, rejectNow);
			// The other may have been settled before, and only now, for V8 follows no promise that several wait for.
			later.catch(noop);
			throw error;
		});
	return later;
}

/**
 * @param {Error} error
 * @param {Function} caller whose frame and those above are left out
 */
function addFrames(error, caller) {
	const waiting = { stack: "" };
	Error.captureStackTrace?.(waiting, caller);
	const [frames] = /\n {4}at [\s\S]*/.exec(waiting.stack) ?? [];
	if (frames === undefined) {
		// Nobody waits, or the engine is not V8.
		return;
	}
	if (untraced.delete(error)) {
		error.stack = `${error}${frames}`;
	} else if (!error.stack?.endsWith(frames)) {
		error.stack += frames;
	}
}

function noop() {}

module.exports = { RootcellarError, copyOf, invalidArgument, rejecter, toError, tooLarge, withProperties };
