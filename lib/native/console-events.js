"use strict";

const { loadBinding } = require("./binding.js");

/** Signals that Node makes of the events of Windows' console that end a process that does not listen. */
const SIGNALS = /** @type {const} */ (["SIGBREAK", "SIGHUP", "SIGINT"]);

/** @typedef {(typeof SIGNALS)[number]} ConsoleSignal */

/** Number of open stores. */
let stores = 0;
/** @type {(() => void) | undefined} */
let stopTelling;

/**
 * Delays the end of the process by an event of the console that it does not handle until everything is safe. Returns a
 * function that takes this back.
 *
 * @returns {() => void}
 */
function endAtConsoleEvents() {
	const binding = loadBinding();
	binding.catchConsoleEvents();
	// Loaded only now, for it changes process.chdir.
	if (!require("node:worker_threads").isMainThread) return () => {};
	stores++;
	stopTelling ??= tellUnhandled(process, (names) => binding.setUnhandledConsoleEvents(names));
	return () => {
		stores--;
		if (stores === 0) {
			stopTelling?.();
			stopTelling = undefined;
		}
	};
}

/**
 * Tells at once, and whenever it changes, which signals an emitter has no listeners of. Returns a function that ends this,
 * which tells that it is not known any more. Once `removeAllListeners()` was called, Node does not notice listeners either.
 *
 * @param {import("node:events").EventEmitter} emitter
 * @param {(unhandled: ConsoleSignal[] | undefined) => void} tell
 * @returns {() => void}
 */
function tellUnhandled(emitter, tell) {
	emitter.on("newListener", added);
	emitter.on("removeListener", removed);
	tellNow();
	return () => {
		emitter.off("newListener", added);
		emitter.off("removeListener", removed);
		tell(undefined);
	};

	/** @param {string | symbol} [adding] whose first listener is just being added */
	function tellNow(adding) {
		tell(SIGNALS.filter((name) => name !== adding && emitter.listenerCount(name) === 0));
	}

	/** @param {string | symbol} event */
	function added(event) {
		if (isSignal(event)) tellNow(event);
	}

	/** @param {string | symbol} event */
	function removed(event) {
		if (isSignal(event)) tellNow();
	}
}

/** @param {string | symbol} event */
function isSignal(event) {
	return SIGNALS.some((name) => name === event);
}

module.exports = { endAtConsoleEvents, tellUnhandled };
