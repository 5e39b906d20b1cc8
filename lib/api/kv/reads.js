"use strict";

const { checkKey } = require("../../base/arguments.js");
const { rejecter } = require("../../base/errors.js");
const { checkKeys, checkRange } = require("../../base/kv-arguments.js");
const { KeyRead } = require("../../queue/change.js");
const { KV_COMMUNITY } = require("../../queue/remote-keys.js");
const { iterate, readPage } = require("./pages.js");

/**
 * @typedef {InstanceType<typeof import("../../queue/queue.js").OperationQueue>} OperationQueue
 * @typedef {import("../../native/addon").RowSlice} RowSlice
 * @typedef {import("../../..").Kv} Kv
 */

/**
 * The methods of `dataStore.kv` that only read.
 *
 * @param {OperationQueue} queue
 * @param {string | undefined} community
 * @returns {Pick<Kv, "has" | "getMany" | "list" | "listKeys" | "entries" | "count">}
 */
function createKvReads(queue, community) {
	return {
		has: (key) =>
			queue.getNow(community, key, isThere) ??
			new Promise((resolve, reject) => {
				const checkedKey = checkKey(key, "key");
				const read = new KeyRead(community, checkedKey, isThere, resolve, rejecter(resolve, reject));
				queue.get(read, KV_COMMUNITY);
			}),

		getMany: (keys) =>
			new Promise((resolve, reject) => {
				const checkedKeys = checkKeys(keys, "keys");
				queue.getMany({ community, keys: checkedKeys, resolve, reject: rejecter(resolve, reject) });
			}),

		list: (options) => readPage(queue, community, options, false),

		listKeys: (options) => readPage(queue, community, options, true),

		entries: (range) => iterate(queue, community, range),

		count: (range) =>
			new Promise((resolve, reject) => {
				const { from, to } = checkRange(range);
				const slice = (/** @type {RowSlice} */ { json }) => resolve(Number(json));
				queue.count({ community, from, to }, { slice, reject: rejecter(resolve, reject) });
			}),
	};
}

/**
 * @param {string | undefined} text
 */
function isThere(text) {
	return text !== undefined;
}

module.exports = { createKvReads };
