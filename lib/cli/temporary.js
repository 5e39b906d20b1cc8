"use strict";

const { existsSync, readdirSync, rmSync } = require("node:fs");
const { constants } = require("node:os");
const { basename, dirname, join } = require("node:path");

/** Signals that end a program, and leave it time to clean up. */
const SIGNALS = /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]);

/** @type {Set<() => void>} functions that remove the files */
const removals = new Set();
let isListening = false;

/**
 * Removes a file or a folder when the process ends, also by a signal, unless it was removed or renamed before. Returns a
 * function that removes it now.
 *
 * @param {string} path
 */
function removedAtEnd(path) {
	return doneAtEnd(() => remove(path));
}

/**
 * Removes in the same way every file whose path has a prefix.
 *
 * @param {string} begin
 */
function allRemovedAtEnd(begin) {
	const folder = dirname(begin);
	return doneAtEnd(() => {
		const names = existsSync(folder) ? readdirSync(folder) : [];
		for (const name of names.filter((name) => name.startsWith(basename(begin)))) remove(join(folder, name));
	});
}

/** @param {() => void} removal */
function doneAtEnd(removal) {
	listen();
	removals.add(removal);
	return () => {
		if (removals.delete(removal)) removal();
	};
}

function listen() {
	if (isListening) return;
	isListening = true;
	process.on("exit", () => {
		for (const removal of removals) removal();
	});
	for (const signal of SIGNALS) {
		process.once(signal, () => process.exit(128 + constants.signals[signal]));
	}
}

/** @param {string} path */
function remove(path) {
	rmSync(path, { recursive: true, force: true });
}

module.exports = { allRemovedAtEnd, removedAtEnd };
