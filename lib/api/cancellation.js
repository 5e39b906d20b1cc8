"use strict";

const { clearTimeout, setTimeout } = require("../base/timers.js");
const { checkDuration, checkOptionsObject } = require("../base/arguments.js");
const { RootcellarError, invalidArgument, withProperties } = require("../base/errors.js");
const { TIMER_MS_MAX } = require("../base/limits.js");
const { createCancel } = require("../native/destination.js");

/** The options that {@link checkCancel} reads. */
const CANCEL_OPTIONS = ["signal", "timeoutMs"];

let lastNumber = 0;

/**
 * Operations under way, by their signal. Each signal has one listener: Node warns of a leak where there are more than ten.
 *
 * @type {WeakMap<AbortSignal, { operations: Set<Cancellation>, listener(): void }>}
 */
const bySignal = new WeakMap();

/**
 * @param {AbortSignal} signal
 * @param {Cancellation} cancellation
 */
function listen(signal, cancellation) {
	let listening = bySignal.get(signal);
	if (listening === undefined) {
		const operations = new Set();
		const listener = () => {
			bySignal.delete(signal);
			for (const operation of operations) {
				operation.cancel(abortError(signal), false);
			}
		};
		listening = { operations, listener };
		bySignal.set(signal, listening);
		signal.addEventListener("abort", listener, { once: true });
	}
	listening.operations.add(cancellation);
}

/**
 * @param {AbortSignal} signal
 * @param {Cancellation} cancellation
 */
function unlisten(signal, cancellation) {
	const listening = bySignal.get(signal);
	if (listening?.operations.delete(cancellation) && listening.operations.size === 0) {
		bySignal.delete(signal);
		signal.removeEventListener("abort", listening.listener);
	}
}

/** Cancellation of an operation, by its signal or its time limit. */
class Cancellation {
	/**
	 * @param {AbortSignal | undefined} signal
	 * @param {number | undefined} timeoutMs
	 */
	constructor(signal, timeoutMs) {
		lastNumber++;
		/** The number by which the core knows it. */
		this.number = lastNumber;
		this.signal = signal;
		/** @type {Error | undefined} why it was cancelled */
		this.error = undefined;
		/** @type {((error: Error, timedOut: boolean) => void) | undefined} */
		this.whenCancelled = undefined;
		if (signal) listen(signal, this);
		const timedOut = () => this.cancel(timeoutError(timeoutMs), true);
		this.timer = timeoutMs === undefined ? undefined : setTimeout(timedOut, Math.min(timeoutMs, TIMER_MS_MAX));
		// The operation keeps the process alive, not its time limit.
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

	/** Ends it, with the operation. */
	done() {
		clearTimeout(this.timer);
		if (this.signal) unlisten(this.signal, this);
		this.whenCancelled = undefined;
	}
}

/**
 * @param {AbortSignal} [signal]
 */
function abortError(signal) {
	const error = new Error("the operation was aborted", { cause: signal?.reason });
	error.name = "AbortError";
	return withProperties(error, { code: "ABORT_ERR" });
}

/**
 * @param {number | undefined} timeoutMs
 */
function timeoutError(timeoutMs) {
	return new RootcellarError("ERR_TIMEOUT", `the operation took longer than its timeoutMs of ${timeoutMs} ms`);
}

/**
 * Options of a method, as an object also where there are none.
 *
 * @param {any} options
 * @param {string[]} names of the options
 */
function checkOptions(options, names) {
	if (options === undefined) {
		return {};
	}
	checkOptionsObject(options, names, "options");
	return options;
}

/**
 * Cancellation by the options of a method; `undefined` if they have none.
 *
 * @param {any} options
 * @returns {Cancellation | undefined}
 * @throws if the signal was aborted already
 */
function checkCancel({ signal, timeoutMs }) {
	if (signal !== undefined && (typeof signal?.addEventListener !== "function" || typeof signal.aborted !== "boolean")) {
		throw invalidArgument("options.signal", "must be an AbortSignal");
	}
	checkDuration(timeoutMs, "options.timeoutMs");
	if (signal?.aborted) {
		throw abortError(signal);
	}
	return signal === undefined && timeoutMs === undefined ? undefined : new Cancellation(signal, timeoutMs);
}

/**
 * Calls a function with what cancels it in the core. If it was cancelled and then fails, that is why.
 *
 * @template T
 * @param {{ signal?: any }} options
 * @param {(native: import("../native/addon").NativeCancel) => Promise<T>} use
 * @returns {Promise<T>}
 */
async function cancellable(options, use) {
	const cancel = checkCancel(options);
	const native = createCancel();
	if (cancel) cancel.whenCancelled = () => native.cancel();
	try {
		return await use(native);
	} catch (error) {
		throw cancel?.error ?? error;
	} finally {
		cancel?.done();
	}
}

module.exports = { CANCEL_OPTIONS, Cancellation, abortError, cancellable, checkCancel, checkOptions };
