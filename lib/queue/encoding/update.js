"use strict";

const { checkUpdateResult } = require("../../base/arguments.js");
const { decode } = require("../../base/json.js");
const { pushSwap } = require("../../native/encode.js");
const { UpdateResult } = require("../writes.js");
const { baseOf, runOnce } = require("./base.js");

/**
 * @typedef {import("../../native/encode.js").Batch} Batch
 * @typedef {import("../writes.js").UpdateOperation} UpdateOperation
 */

/**
 * Adds an `update` to a batch. Calls its function, unless it was called with the same value before.
 *
 * @param {Batch} batch
 * @param {UpdateOperation} write
 * @param {number} now milliseconds since 1970 UTC
 */
function encodeUpdate(batch, { changes: [change], update }, now) {
	const { community, key } = change;
	const { stored, text: from, previous } = baseOf(change, batch, now);
	if (update.isRunning || update.made === undefined || update.made.from !== from) {
		update.made = runOnce(update, () => {
			const result = update.updateFunc(decode(from ?? update.defaultText, key));
			return new UpdateResult(from, checkUpdateResult(result, key), result);
		});
	}
	const { text } = update.made;
	change.text = text;
	change.expiresAt = expiryAfter(update, from === undefined ? undefined : stored?.expiresAt);
	pushSwap(batch, { community, key, text, expiresAt: update.expiresAt }, { previous, text: from });
}

/**
 * The expiry that an update leaves where the live value has `live`.
 *
 * @param {UpdateOperation["update"]} update
 * @param {number | undefined} live
 */
function expiryAfter({ expiresAt }, live) {
	return expiresAt === undefined ? live : (expiresAt ?? undefined);
}

module.exports = { encodeUpdate };
