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
const { Change, KeyRead } = require("../queue/change.js");
const { NO_CHANGES, Update, WriteOperation, writeOfOne } = require("../queue/writes.js");

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
				queue.get(new KeyRead(community, checkedKey, decode, resolve, rejecter(resolve, reject)));
			}),

		set: (values) =>
			new Promise((resolve, reject) => {
				const promised = { resolve, reject: rejecter(resolve, reject) };
				const list = readArray(values, "values");
				if (list === undefined) {
					queue.write(writeOfOne("set", changeTo(checkEntry(values, undefined)), promised));
				} else if (queue.takesInBulk(list.length)) {
					queue.write(bulkSet(checkedEntries(list), list.length, promised));
				} else {
					const changes = Array.from(checkedEntries(list), changeTo);
					queue.write(new WriteOperation("set", changes, promised));
				}
			}),

		update: (key, updateFunc, defaultValue, expiresAt, communityId) =>
			new Promise((resolve, reject) => {
				const checkedKey = checkKey(key, "key");
				const update = new Update(
					inThisContext(checkUpdateFunction(updateFunc)),
					defaultValue === undefined ? undefined : encode(defaultValue, "defaultValue", checkedKey),
					expiresAt === null ? null : checkExpiry(expiresAt, "expiresAt"),
				);
				const change = new Change(checkCommunity(communityId, "communityId"), checkedKey, undefined, undefined);
				const promised = { resolve, reject: rejecter(resolve, reject) };
				queue.write(Object.assign(writeOfOne("update", change, promised), { update }));
			}),

		delete: (key, communityId) =>
			new Promise((resolve, reject) => {
				const checkedKey = checkKey(key, "key");
				const change = new Change(checkCommunity(communityId, "communityId"), checkedKey, undefined, undefined);
				queue.write(writeOfOne("delete", change, { resolve, reject: rejecter(resolve, reject) }));
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
