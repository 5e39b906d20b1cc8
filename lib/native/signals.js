"use strict";

const { loadBinding } = require("./binding.js");

/** Signals that end a process that does not handle them. */
const SIGNALS = /** @type {const} */ (["SIGHUP", "SIGINT", "SIGTERM"]);

/**
 * Delays the end of the process by a signal that it does not handle until the last backups are made. A listener that is
 * added later takes the signal over. Has no effect in worker threads, which have no signals.
 */
function finishAtSignals() {
	loadBinding().catchSignals(SIGNALS.filter((name) => process.listenerCount(name) === 0));
}

module.exports = { finishAtSignals };
