"use strict";

const { isMainThread } = require("node:worker_threads");
const { loadBinding } = require("./binding.js");

/** What ends a process that does not handle it. */
const SIGNALS = /** @type {const} */ (["SIGHUP", "SIGINT", "SIGTERM"]);

/**
 * Makes the end of the process by a signal that it does not handle wait for the last backups. A listener that is added
 * later takes the signal over. Signals are the process's, and so the main thread's.
 */
function finishAtSignals() {
	if (isMainThread) {
		loadBinding().catchSignals(SIGNALS.filter((name) => process.listenerCount(name) === 0));
	}
}

module.exports = { finishAtSignals };
