"use strict";

const { checkKey, checkUpdateFunction } = require("../../base/arguments.js");
const { rejecter } = require("../../base/errors.js");
const {
	checkGivenExpiry,
	checkGivenRange,
	checkIncrement,
	checkNewEntry,
	checkUpdateKeys,
} = require("../../base/kv-arguments.js");
const { Change } = require("../../queue/change.js");
const { NO_CHANGES, WriteOperation, writeOfOne } = require("../../queue/writes.js");
const { inThisContext } = require("../../process/context.js");

/**
 * @typedef {import("../../..").Kv} Kv
 * @typedef {InstanceType<typeof import("../../queue/queue.js").OperationQueue>} OperationQueue
 * @typedef {import("../../queue/writes.js").Write} Write
 */

/** Write of which the writer has told nothing yet. */
const UNTOLD = { told: undefined };

/**
 * The methods of `dataStore.kv` that write.
 *
 * @param {OperationQueue} queue
 * @param {string | undefined} community
 */
function createKvWrites(queue, community) {
	/**
	 * Issues the write that `make` describes. What it throws rejects the promise.
	 *
	 * @param {(promised: InstanceType<typeof import("../../queue/writes.js").Promised>) => Write} make
	 * @returns {Promise<any>}
	 */
	const write = (make) =>
		new Promise((resolve, reject) => queue.write(make({ resolve, reject: rejecter(resolve, reject) })));

	/** @type {Pick<Kv, "deleteRange" | "expire" | "getAndDelete" | "increment" | "setIfAbsent" | "updateMany">} */
	const methods = {
		increment: (key, by, options) =>
			write((promised) => {
				const change = toldChange(community, checkKey(key, "key"));
				const increment = checkIncrement(by, options);
				return Object.assign(writeOfOne("increment", change, promised), { increment, ...UNTOLD });
			}),

		setIfAbsent: (entry) =>
			write((promised) => {
				const { key, text, expiresAt } = checkNewEntry(entry);
				const change = untoldChange(community, key, text, expiresAt);
				return Object.assign(writeOfOne("setIfAbsent", change, promised), UNTOLD);
			}),

		getAndDelete: (key) =>
			write((promised) => {
				const change = new Change(community, checkKey(key, "key"), undefined, undefined);
				return Object.assign(writeOfOne("getAndDelete", change, promised), UNTOLD);
			}),

		expire: (key, expiry) =>
			write((promised) => {
				const checkedKey = checkKey(key, "key");
				const change = untoldChange(community, checkedKey, undefined, checkGivenExpiry(expiry));
				return Object.assign(writeOfOne("expire", change, promised), UNTOLD);
			}),

		deleteRange: (range) =>
			write((promised) => {
				const checkedRange = checkGivenRange(range);
				return {
					kind: "deleteRange",
					changes: NO_CHANGES,
					range: checkedRange,
					community,
					told: undefined,
					...promised,
				};
			}),

		updateMany: (keys, updateFunc) =>
			write((promised) => {
				const changes = checkUpdateKeys(keys).map((key) => new Change(community, key, undefined, undefined));
				const boundFunc = inThisContext(checkUpdateFunction(updateFunc));
				const update = { updateFunc: boundFunc, made: undefined, isRunning: false };
				return Object.assign(new WriteOperation("updateMany", changes, promised), { update });
			}),
	};
	return methods;
}

/**
 * A change of which the writer tells what it has left.
 *
 * @param {string | undefined} community
 * @param {string} key
 */
function toldChange(community, key) {
	const change = new Change(community, key, undefined, undefined);
	change.isForeseen = false;
	return change;
}

/**
 * A change of which not even the writer tells that.
 *
 * @param {string | undefined} community
 * @param {string} key
 * @param {string | undefined} text
 * @param {number | undefined} expiresAt
 */
function untoldChange(community, key, text, expiresAt) {
	const change = new Change(community, key, text, expiresAt);
	change.isForeseen = false;
	change.isTold = false;
	return change;
}

module.exports = { createKvWrites };
