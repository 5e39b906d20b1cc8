"use strict";

const { RootcellarError, toError } = require("../base/errors.js");
const { pushStatement } = require("../api/statement.js");

/**
 * @typedef {import("./addon").Batch} Batch
 * @typedef {import("./addon").Event} Event
 * @typedef {import("./addon").RowSlice} RowSlice
 * @typedef {import("../api/statement.js").Statement} Statement
 * @typedef {InstanceType<typeof import("../api/cancellation.js").Cancel>} Cancel
 */

/** The number of no lease. */
const NO_LEASE = 0;

/**
 * A statement that only reads, and who waits for its rows.
 *
 * @typedef {object} Read
 * @property {Statement} statement
 * @property {Cancel | undefined} cancel
 * @property {(slice: RowSlice, last: boolean) => void} slice
 * @property {(error: unknown) => void} reject
 * @property {(microseconds: number) => void} [took] told how long it took, on the thread that read
 */

/**
 * @param {Pick<Batch, "codes" | "texts" | "numbers" | "blobs">} batch
 * @returns {import("./addon").EncodedSql}
 */
function encoded({ codes, texts, numbers, blobs }) {
	return { codes: Uint8Array.from(codes), texts, numbers: Float64Array.from(numbers), blobs };
}

/**
 * @param {{ statement: Statement, cancel: Cancel | undefined }[]} reads
 */
function encodeReads(reads) {
	/** @type {Batch} */
	const batch = { codes: [], texts: [], numbers: [], blobs: [], length: 0, hasSql: true, isAlone: false };
	for (const { statement, cancel } of reads) {
		pushStatement(batch, statement);
		batch.numbers.push(cancel?.number ?? 0);
	}
	return encoded(batch);
}

/**
 * Handles the events of a request for rows.
 *
 * @param {Pick<Read, "slice" | "reject" | "took">} read
 * @param {() => void} [started]
 * @returns {(event: Event) => boolean}
 */
function rowsHandler({ slice, reject, took }, started) {
	return ({ kind, error, rows, last = false, tookUs }) => {
		if (kind === "started") {
			started?.();
			return false;
		}
		if (error || !rows) {
			reject(error ? toError(error) : new RootcellarError("ERR_INTERNAL", "there are no rows"));
			return true;
		}
		if (tookUs !== undefined) {
			took?.(tookUs);
		}
		slice(rows, last);
		return last;
	};
}

module.exports = { NO_LEASE, encodeReads, encoded, rowsHandler };
