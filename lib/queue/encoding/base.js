"use strict";

const { liveText } = require("../../base/key-entry.js");

/**
 * @typedef {import("../../base/key-entry.js").Stored} Stored
 * @typedef {import("../../native/encode.js").Batch} Batch
 * @typedef {import("../writes.js").KeyChange} KeyChange
 */

/**
 * Value that a change starts from: what is stored, and of that the text, if it is live. `previous` means that a command
 * of the same batch has left it.
 *
 * @typedef {{ stored: Stored | undefined, text: string | undefined, previous: boolean }} Base
 */

/**
 * @param {KeyChange} change one whose key has been read
 * @param {Batch} batch the one that is being made
 * @param {number} now milliseconds since 1970 UTC
 * @returns {Base}
 */
function baseOf(change, batch, now) {
	const before = change.pendingBefore();
	if (!before && change.onDisk?.error) {
		throw change.onDisk.error;
	}
	const stored = before ?? change.onDisk?.stored;
	return {
		stored,
		text: stored && liveText(stored, now),
		previous: before !== undefined && before.batch === batch,
	};
}

/**
 * Runs the function of an update, unless it is running already: then it has ended the process, which writes what waits.
 *
 * @template T
 * @param {{ isRunning: boolean }} update
 * @param {() => T} run
 * @returns {T}
 */
function runOnce(update, run) {
	if (update.isRunning) {
		throw new Error("the process ended in the function");
	}
	update.isRunning = true;
	try {
		return run();
	} finally {
		update.isRunning = false;
	}
}

module.exports = { baseOf, runOnce };
