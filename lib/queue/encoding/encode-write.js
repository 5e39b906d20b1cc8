"use strict";

const {
	pushDelete,
	pushDeleteLike,
	pushDeleteRange,
	pushExpire,
	pushGetAndDelete,
	pushIncrement,
	pushJob,
	pushSet,
	pushSetIfAbsent,
	pushSetMany,
} = require("../../native/encode.js");
const { encodeUpdate } = require("./update.js");
const { encodeUpdateMany } = require("./update-many.js");

/**
 * @typedef {import("../../base/key-entry.js").Entry} Entry
 * @typedef {import("../../native/encode.js").Batch} Batch
 * @typedef {import("../writes.js").SetOperation} SetOperation
 * @typedef {import("../writes.js").Write} Write
 */

/**
 * Adds a write to a batch.
 *
 * @param {Batch} batch
 * @param {Write} write
 * @param {number} now milliseconds since 1970 UTC
 */
function encodeWrite(batch, write, now) {
	for (const change of write.changes) {
		change.batch = batch;
	}
	switch (write.kind) {
		case "set":
			encodeSet(batch, write);
			break;
		case "update":
			encodeUpdate(batch, write, now);
			break;
		case "updateMany":
			encodeUpdateMany(batch, write, now);
			break;
		case "increment":
			pushIncrement(batch, write.changes[0], write.increment);
			break;
		case "setIfAbsent":
			pushSetIfAbsent(batch, /** @type {Entry} */ (write.changes[0]));
			break;
		case "expire":
			pushExpire(batch, write.changes[0], write.changes[0].expiresAt);
			break;
		case "getAndDelete":
			pushGetAndDelete(batch, write.changes[0]);
			break;
		case "delete":
			pushDelete(batch, write.changes[0]);
			break;
		case "deleteLike":
			pushDeleteLike(batch, write.community, write.pattern);
			break;
		case "deleteRange":
			pushDeleteRange(batch, write.community, write.range);
			break;
		case "sql":
			if (write.job.cancel?.error) {
				throw write.job.cancel.error;
			}
			pushJob(batch, write.job);
			batch.isAlone = write.isAlone;
			break;
	}
}

/**
 * @param {Batch} batch
 * @param {SetOperation} write
 */
function encodeSet(batch, { changes }) {
	// The text of a set is known from the beginning.
	const entries = /** @type {Entry[]} */ (changes);
	const [first] = entries;
	if (first && entries.length === 1) {
		pushSet(batch, first);
	} else {
		pushSetMany(batch, entries.length);
		for (const entry of entries) {
			pushSet(batch, entry);
		}
	}
}

module.exports = { encodeWrite };
