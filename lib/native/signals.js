"use strict";

const { loadBinding } = require("./binding.js");
const { endAtConsoleEvents } = require("./console-events.js");

/** Signals that end a process that does not handle them. */
const SIGNALS = /** @type {const} */ (["SIGHUP", "SIGINT", "SIGTERM"]);

/** Number of open stores. */
let stores = 0;

/**
 * Delays the end of the process by a signal that it does not handle until everything is safe. A listener that is added later
 * takes the signal over, and gives it back when it is removed. Returns a function that takes this back.
 *
 * @returns {() => void}
 */
function endAtSignals() {
	if (process.platform === "win32") return endAtConsoleEvents();
	loadBinding().catchSignals(unhandled(SIGNALS), false);
	stores++;
	if (stores === 1) {
		process.on("removeListener", listenerRemoved);
	}
	return () => {
		stores--;
		if (stores === 0) {
			process.off("removeListener", listenerRemoved);
		}
	};
}

/**
 * @param {string | symbol} event
 */
function listenerRemoved(event) {
	const removed = unhandled(SIGNALS.filter((name) => name === event));
	if (removed.length > 0) {
		loadBinding().catchSignals(removed, true);
	}
}

/**
 * @param {readonly (typeof SIGNALS)[number][]} names
 */
function unhandled(names) {
	return names.filter((name) => process.listenerCount(name) === 0);
}

module.exports = { endAtSignals };
