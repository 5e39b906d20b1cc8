"use strict";

const {
	checkCommunity,
	checkEntry,
	checkedEntries,
	checkExpiry,
	checkKey,
	checkPattern,
	checkUpdateFunction,
	readArray,
} = require("../base/arguments.js");
const { inThisContext } = require("../process/context.js");
const { rejecter } = require("../base/errors.js");
const { decode, encode } = require("../base/json.js");
const { addRows } = require("../native/decode.js");
const { bulkSet } = require("../queue/bulk-set.js");
const { Change } = require("../queue/change.js");
const { NO_CHANGES } = require("../queue/writes.js");

/**
 * @typedef {import("../..").KeyValueStore} KeyValueStore
 * @typedef {InstanceType<typeof import("../queue/queue.js").OperationQueue>} OperationQueue
 * @typedef {import("../native/addon").RowSlice} RowSlice
 */

/**
 * The key-value store over a queue of operations. `index.d.ts` documents the methods.
 *
 * An argument that cannot be used throws within the promise's executor, which rejects the promise.
 *
 * @param {OperationQueue} queue
 * @returns {KeyValueStore}
 */
function createKeyValueStore(queue) {
	/**
	 * @param {unknown} keyPattern
	 * @param {unknown} communityId
	 * @param {boolean} valuesOnly
	 * @returns {Promise<any[]>}
	 */
	const select = (keyPattern, communityId, valuesOnly) =>
		new Promise((resolve, reject) => {
			const pattern = checkPattern(keyPattern);
			const community = checkCommunity(communityId, "communityId");
			/** @type {any[]} */
			const rows = [];
			const slice = (/** @type {RowSlice} */ { json }, /** @type {boolean} */ last) => {
				const order = addRows(rows, json, valuesOnly);
				if (last) {
					resolve(order ? order.map((/** @type {number} */ place) => rows[place]) : rows);
				}
			};
			queue.select({ pattern, community, valuesOnly }, { slice, reject: rejecter(resolve, reject) });
		});

	return {
		get: (key, communityId) =>
			queue.getNow(communityId, key, decode) ??
			new Promise((resolve, reject) => {
				const checkedKey = checkKey(key, "key");
				const community = checkCommunity(communityId, "communityId");
				queue.get({ community, key: checkedKey, parse: decode, resolve, reject: rejecter(resolve, reject) });
			}),

		set: (values) =>
			new Promise((resolve, reject) => {
				const promised = { resolve, reject: rejecter(resolve, reject) };
				const list = readArray(values, "values");
				if (list === undefined) {
					queue.write({ kind: "set", changes: [changeTo(checkEntry(values, undefined))], ...promised });
				} else if (queue.takesInBulk(list.length)) {
					queue.write(bulkSet(checkedEntries(list), list.length, promised));
				} else {
					queue.write({ kind: "set", changes: Array.from(checkedEntries(list), changeTo), ...promised });
				}
			}),

		update: (key, updateFunc, defaultValue, expiresAt, communityId) =>
			new Promise((resolve, reject) => {
				const checkedKey = checkKey(key, "key");
				const update = {
					updateFunc: inThisContext(checkUpdateFunction(updateFunc)),
					defaultText: defaultValue === undefined ? undefined : encode(defaultValue, "defaultValue", checkedKey),
					expiresAt: expiresAt === null ? null : checkExpiry(expiresAt, "expiresAt"),
					made: undefined,
					isRunning: false,
				};
				const change = new Change(checkCommunity(communityId, "communityId"), checkedKey, undefined, undefined);
				queue.write({ kind: "update", changes: [change], update, resolve, reject: rejecter(resolve, reject) });
			}),

		delete: (key, communityId) =>
			new Promise((resolve, reject) => {
				const checkedKey = checkKey(key, "key");
				const change = new Change(checkCommunity(communityId, "communityId"), checkedKey, undefined, undefined);
				queue.write({ kind: "delete", changes: [change], resolve, reject: rejecter(resolve, reject) });
			}),

		deleteLike: (keyPattern, communityId) =>
			new Promise((resolve, reject) => {
				const pattern = checkPattern(keyPattern);
				const community = checkCommunity(communityId, "communityId");
				queue.write({
					kind: "deleteLike",
					changes: NO_CHANGES,
					pattern,
					community,
					resolve,
					reject: rejecter(resolve, reject),
				});
			}),

		select: (keyPattern, communityId) => select(keyPattern, communityId, false),

		selectValue: (keyPattern, communityId) => select(keyPattern, communityId, true),
	};
}

/**
 * @param {import("../base/key-entry.js").Entry} entry
 */
function changeTo({ community, key, text, expiresAt }) {
	return new Change(community, key, text, expiresAt);
}

module.exports = { createKeyValueStore };
