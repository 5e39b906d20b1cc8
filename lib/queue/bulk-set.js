"use strict";

const { JOINED_LENGTH_MAX, TEXTS_JOINED } = require("../base/limits.js");
const { emptyBatch, joinTexts, pushSet, pushSetMany } = require("../native/encode.js");
const { NO_CHANGES } = require("./writes.js");

/**
 * @typedef {import("../base/key-entry.js").Entry} Entry
 * @typedef {import("./writes.js").BulkSetOperation} BulkSetOperation
 * @typedef {InstanceType<typeof import("./writes.js").Promised>} Promised
 */

/**
 * Set of a long array. A change of each entry would take longer to make, and for the garbage collector to copy, than the
 * entry to write. So it is encoded as it is issued, is alone in its batch, and only its keys are kept: a read of one of them
 * waits until it is on disk.
 *
 * @param {Iterable<Entry>} entries
 * @param {number} count how many
 * @param {Promised} promised
 * @returns {BulkSetOperation}
 */
function bulkSet(entries, count, { resolve, reject }) {
	const batch = emptyBatch();
	/** @type {BulkSetOperation["keys"]} */
	const keys = new Map();
	pushSetMany(batch, count);
	for (const entry of entries) {
		const { community, key } = entry;
		const ofScope = keys.get(community);
		if (ofScope === undefined) {
			keys.set(community, new Set([key]));
		} else {
			ofScope.add(key);
		}
		pushSet(batch, entry);
		if (batch.texts.length >= TEXTS_JOINED && batch.length <= JOINED_LENGTH_MAX) {
			joinTexts(batch);
		}
	}
	return { kind: "bulkSet", changes: NO_CHANGES, batch, keys, resolve, reject };
}

module.exports = { bulkSet };
