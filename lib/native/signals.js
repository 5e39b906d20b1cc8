"use strict";

const { loadBinding } = require("./binding.js");

/** What ends a process that does not handle it. */
const SIGNALS = /** @type {const} */ (["SIGHUP", "SIGINT", "SIGTERM"]);

/**
 * Makes the end of the process by a signal that it does not handle wait for the last backups. A listener that is added
 * later takes the signal over. Does nothing in worker threads, which have no signals.
 */
function finishAtSignals() {
	loadBinding().catchSignals(SIGNALS.filter((name) => process.listenerCount(name) === 0));
}

module.exports = { finishAtSignals };
