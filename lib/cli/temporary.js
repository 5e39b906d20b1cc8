"use strict";

const { rmSync } = require("node:fs");
const { constants } = require("node:os");

/** Signals that end a program, and leave it time to tidy up. */
const SIGNALS = /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]);

/** @type {Set<string>} */
const paths = new Set();
let isListening = false;

/**
 * Removes a file or a folder when the process ends, also by a signal, unless it was removed or renamed before.
 * Returns what removes it now.
 *
 * @param {string} path
 */
function removedAtEnd(path) {
	listen();
	paths.add(path);
	return () => {
		if (paths.delete(path)) remove(path);
	};
}

function listen() {
	if (isListening) return;
	isListening = true;
	process.on("exit", () => {
		for (const path of paths) remove(path);
	});
	for (const signal of SIGNALS) {
		process.once(signal, () => process.exit(128 + constants.signals[signal]));
	}
}

/** @param {string} path */
function remove(path) {
	rmSync(path, { recursive: true, force: true });
}

module.exports = { removedAtEnd };
