"use strict";

const { emptyBatch } = require("../native/encode.js");
const {
	BATCHES_IN_FLIGHT_MAX,
	BATCH_LENGTH_MAX,
	BATCH_OPERATIONS_MAX,
	BATCH_OPERATIONS_MIN,
} = require("../base/limits.js");
const { isWrite } = require("./operations.js");
const { changesOf, concernsAnyKey, encodeWrite, isAlone, lengthOf, needsRead } = require("./writes.js");

/**
 * @typedef {InstanceType<typeof import("./in-flight.js").BatchesInFlight>} BatchesInFlight
 * @typedef {import("../native/addon").Batch} Batch
 * @typedef {import("./operations.js").Operation} Operation
 * @typedef {import("./writes.js").Write} Write
 */

/**
 * @param {Operation[]} operations those that wait
 * @param {BatchesInFlight} inFlight
 * @param {boolean} hasPatterns whether there are writes, waiting or in flight, that may concern any key
 * @returns {Write[]} those from the first on that can go together
 */
function nextWrites(operations, inFlight, hasPatterns) {
	/** @type {Write[]} */
	const writes = [];
	let length = 0;
	let hasPattern = hasPatterns && inFlight.hasPattern();
	const hasLateReads = hasPatterns && inFlight.hasLateReads();
	const share = Math.ceil(operations.length / BATCHES_IN_FLIGHT_MAX);
	const limit = Math.min(Math.max(share, BATCH_OPERATIONS_MIN), BATCH_OPERATIONS_MAX);
	for (const operation of operations) {
		const isFull = writes.length >= limit || length >= BATCH_LENGTH_MAX;
		if (!isWrite(operation) || isFull || overtakesReads(operation, hasLateReads)) {
			break;
		}
		// What an update behind a pattern starts from is known when the pattern has been carried out.
		if (operation.kind === "update" && hasPattern) {
			break;
		}
		if (isAlone(operation) && writes.length > 0) {
			break;
		}
		hasPattern ||= concernsAnyKey(operation);
		length += lengthOf(operation);
		writes.push(operation);
		if (isAlone(operation)) {
			break;
		}
	}
	return writes;
}

/**
 * Whether a write would be seen by reads that were issued before it, and wait for a change that is under way.
 *
 * @param {Write} write
 * @param {boolean} hasLateReads whether there are any such reads
 */
function overtakesReads(write, hasLateReads) {
	if (concernsAnyKey(write)) {
		return hasLateReads;
	}
	return changesOf(write).some((change) => (change.pendingBefore()?.lateReads.length ?? 0) > 0);
}

/**
 * Makes up a batch, for which the functions of updates are called.
 *
 * @param {Write[]} writes
 * @param {number} now milliseconds since 1970 UTC
 * @param {(write: Write, error: unknown) => void} drop told at once, for what follows may build on the write
 * @returns {{ batch: Batch, encoded: Write[], taken: number }} what is in it, and how many writes are in it or dropped
 */
function makeBatch(writes, now, drop) {
	const batch = emptyBatch();
	/** @type {Write[]} */
	const encoded = [];
	let taken = 0;
	for (const write of writes) {
		if (batch.length >= BATCH_LENGTH_MAX || needsRead(write)) {
			break;
		}
		taken++;
		try {
			encodeWrite(batch, write, now);
			encoded.push(write);
		} catch (error) {
			drop(write, error);
		}
	}
	return { batch, encoded, taken };
}

module.exports = { makeBatch, nextWrites };
