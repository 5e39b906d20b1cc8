"use strict";

const { checkCommunity } = require("../../base/arguments.js");
const { createKvReads } = require("./reads.js");
const { createWatch } = require("./watch.js");
const { createKvWrites } = require("./writes.js");

/**
 * @typedef {InstanceType<typeof import("../../queue/queue.js").OperationQueue>} OperationQueue
 */

/**
 * `dataStore.kv` over a queue of operations: what the key-value store can do beside the methods of the SDK. `index.d.ts`
 * documents the methods.
 *
 * @param {OperationQueue} queue
 * @param {string} [community] the scope of the keys
 * @returns {import("../../..").Kv}
 */
function createKv(queue, community) {
	return {
		community: (id) => createKv(queue, checkCommunity(id, "id")),
		...createKvReads(queue, community),
		...createKvWrites(queue, community),
		watch: (options) => createWatch(queue, community, options),
	};
}

module.exports = { createKv };
