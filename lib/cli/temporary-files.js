"use strict";

const { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } = require("node:fs");
const { constants, tmpdir } = require("node:os");
const { basename, dirname, join } = require("node:path");

/** Signals that end a program, and leave it time to clean up. */
const ENDING_SIGNALS = /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"]);

/** @type {Set<() => void>} functions that remove the files */
const removals = new Set();
let isListening = false;

/**
 * Creates a temporary folder beside a file, on a disk with room for another like it; failing that, in the system's own,
 * which there need not be. Git ignores it, because it holds what the file holds.
 *
 * @param {string} file
 */
function temporaryFolderNear(file) {
	// From here on a signal waits until the caller has said that the folder is to be removed.
	listen();
	const folder = makeFolder(dirname(file));
	writeFileSync(join(folder, ".gitignore"), "*\n");
	return folder;
}

/** @param {string} parent */
function makeFolder(parent) {
	try {
		return mkdtempSync(join(parent, ".rootcellar-"));
	} catch (error) {
		try {
			return mkdtempSync(join(tmpdir(), "rootcellar-"));
		} catch {
			// The file's folder is where it belongs.
			throw error;
		}
	}
}

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
	for (const signal of ENDING_SIGNALS) {
		process.once(signal, () => {
			// Whoever else listens ends the process.
			if (process.listenerCount(signal) === 0) process.exit(128 + constants.signals[signal]);
		});
	}
}

/** @param {string} path */
function remove(path) {
	rmSync(path, { recursive: true, force: true });
}

module.exports = { ENDING_SIGNALS, allRemovedAtEnd, removedAtEnd, temporaryFolderNear };
