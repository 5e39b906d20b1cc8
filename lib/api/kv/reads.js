"use strict";

const { checkKey } = require("../../base/arguments.js");
const { rejecter } = require("../../base/errors.js");

/**
 * @typedef {InstanceType<typeof import("../../queue/queue.js").OperationQueue>} OperationQueue
 */

/**
 * The methods of `dataStore.kv` that only read.
 *
 * @param {OperationQueue} queue
 * @param {string | undefined} community
 */
function createKvReads(queue, community) {
	return {
		/**
		 * @param {string} key
		 * @returns {Promise<boolean>}
		 */
		has: (key) =>
			new Promise((resolve, reject) => {
				const checkedKey = checkKey(key, "key");
				queue.get({ community, key: checkedKey, parse: isThere, resolve, reject: rejecter(resolve, reject) });
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
