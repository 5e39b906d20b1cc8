"use strict";

const { clearTimeout, setTimeout } = require("node:timers");
const { checkDuration } = require("../base/arguments.js");
const { RootcellarError, invalidArgument } = require("../base/errors.js");
const { kindOf } = require("../base/json.js");
const { TIMER_MS_MAX } = require("../base/limits.js");

/** By its number the core knows what is to be cancelled. */
let lastNumber = 0;

/**
 * What may cancel an operation: its signal, or that its time is up.
 */
class Cancel {
	/**
	 * @param {AbortSignal | undefined} signal
	 * @param {number | undefined} timeoutMs
	 */
	constructor(signal, timeoutMs) {
		lastNumber++;
		/** By which the core knows it. */
		this.number = lastNumber;
		this.signal = signal;
		/** @type {Error | undefined} why it was cancelled */
		this.error = undefined;
		/** @type {((error: Error, timedOut: boolean) => void) | undefined} */
		this.whenCancelled = undefined;
		this.aborted = () => this.cancel(abortError(signal), false);
		signal?.addEventListener("abort", this.aborted, { once: true });
		const timedOut = () => this.cancel(timeoutError(timeoutMs), true);
		this.timer = timeoutMs === undefined ? undefined : setTimeout(timedOut, Math.min(timeoutMs, TIMER_MS_MAX));
		// It is the operation that keeps the process alive.
		this.timer?.unref();
	}

	/**
	 * @param {Error} error
	 * @param {boolean} timedOut
	 */
	cancel(error, timedOut) {
		this.error ??= error;
		this.whenCancelled?.(error, timedOut);
	}

	/** The operation is done: there is nothing left to cancel. */
	done() {
		clearTimeout(this.timer);
		this.signal?.removeEventListener("abort", this.aborted);
		this.whenCancelled = undefined;
	}
}

/**
 * @param {AbortSignal | undefined} signal
 */
function abortError(signal) {
	const error = new Error("the operation was aborted", { cause: signal?.reason });
	error.name = "AbortError";
	return Object.assign(error, { code: "ABORT_ERR" });
}

/**
 * @param {number | undefined} timeoutMs
 */
function timeoutError(timeoutMs) {
	return new RootcellarError("ERR_TIMEOUT", `the operation took longer than its timeoutMs of ${timeoutMs} ms`);
}

/**
 * The options of a method, an object also where there are none.
 *
 * @param {any} options
 */
function checkOptions(options) {
	if (options === undefined) {
		return {};
	}
	if (typeof options !== "object" || options === null) {
		throw invalidArgument("options", `must be an object, not ${kindOf(options)}`);
	}
	return options;
}

/**
 * What may cancel an operation, by its options; `undefined` if nothing can.
 *
 * @param {any} options
 * @returns {Cancel | undefined}
 * @throws what the signal was aborted with, if it was
 */
function checkCancel({ signal, timeoutMs }) {
	if (signal !== undefined && (typeof signal?.addEventListener !== "function" || typeof signal.aborted !== "boolean")) {
		throw invalidArgument("options.signal", "must be an AbortSignal");
	}
	checkDuration(timeoutMs, "options.timeoutMs");
	if (signal?.aborted) {
		throw abortError(signal);
	}
	return signal === undefined && timeoutMs === undefined ? undefined : new Cancel(signal, timeoutMs);
}

module.exports = { Cancel, checkCancel, checkOptions };
