"use strict";

const { checkUpdateManyResult } = require("../../base/kv-arguments.js");
const { decode } = require("../../base/json.js");
const { pushSwap, pushSwapMany, pushSwapPart } = require("../../native/encode.js");
const { baseOf, runOnce } = require("./base.js");

/**
 * @typedef {import("../../native/encode.js").Batch} Batch
 * @typedef {import("../writes.js").KeyChange} KeyChange
 * @typedef {import("../writes.js").UpdateMany} UpdateMany
 * @typedef {import("../writes.js").UpdateManyOperation} UpdateManyOperation
 * @typedef {import("./base.js").Base} Base
 */

/**
 * Adds an `updateMany` to a batch: a swap that holds if every key has what its function was given, also those that it
 * leaves as they are. Calls the function, unless it was called with the same values before.
 *
 * @param {Batch} batch
 * @param {UpdateManyOperation} write
 * @param {number} now milliseconds since 1970 UTC
 */
function encodeUpdateMany(batch, { changes, update }, now) {
	const bases = changes.map((change) => baseOf(change, batch, now));
	const from = bases.map(({ text }) => text);
	if (update.isRunning || !update.made?.from.every((text, index) => text === from[index])) {
		update.made = runOnce(update, () => call(update, changes, from));
	}
	const { texts } = update.made;
	pushSwapMany(batch, changes.length);
	for (const [index, change] of changes.entries()) {
		pushPart(batch, change, /** @type {Base} */ (bases[index]), texts[index]);
	}
}

/**
 * @param {UpdateMany} update
 * @param {KeyChange[]} changes
 * @param {(string | undefined)[]} from the live text of each key
 * @returns {NonNullable<UpdateMany["made"]>}
 */
function call({ updateFunc }, changes, from) {
	/** @type {[string, unknown][]} */
	const given = [];
	for (const [index, { key }] of changes.entries()) {
		if (from[index] !== undefined) {
			given.push([key, decode(from[index], key)]);
		}
	}
	const keys = changes.map(({ key }) => key);
	return { from, ...checkUpdateManyResult(updateFunc(Object.fromEntries(given)), keys) };
}

/**
 * @param {Batch} batch
 * @param {KeyChange} change
 * @param {Base} base
 * @param {string | null | undefined} text see `UpdateMany`
 */
function pushPart(batch, change, { stored, text: from, previous }, text) {
	const expected = { previous, text: from };
	if (text === null) {
		change.text = stored?.text;
		change.expiresAt = stored?.expiresAt;
		pushSwapPart(batch, change, expected, false);
	} else if (text === undefined) {
		change.text = undefined;
		change.expiresAt = undefined;
		pushSwapPart(batch, change, expected, true);
	} else {
		const { community, key } = change;
		change.text = text;
		change.expiresAt = from === undefined ? undefined : stored?.expiresAt;
		pushSwap(batch, { community, key, text, expiresAt: undefined }, expected);
	}
}

module.exports = { encodeUpdateMany };
