"use strict";

const { RootcellarError, toError } = require("./errors.js");
const { pushStatement } = require("./sql-statement.js");

/**
 * @typedef {InstanceType<typeof import("./connection.js").Connection>} Connection
 * @typedef {import("./native").Batch} Batch
 * @typedef {import("./native").Event} Event
 * @typedef {import("./native").RowSlice} RowSlice
 * @typedef {import("./sql-statement.js").Statement} Statement
 * @typedef {InstanceType<typeof import("./sql-cancel.js").Cancel>} Cancel
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
 */

/**
 * @param {Pick<Batch, "codes" | "texts" | "numbers" | "blobs">} batch
 * @returns {import("./native").EncodedSql}
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
 * @param {Pick<Read, "slice" | "reject">} read
 * @param {() => void} [started]
 * @returns {(event: Event) => boolean}
 */
function rowsHandler({ slice, reject }, started) {
	return ({ kind, error, rows, last = false }) => {
		if (kind === "started") {
			started?.();
			return false;
		}
		if (error || !rows) {
			reject(error ? toError(error) : new RootcellarError("ERR_INTERNAL", "there are no rows"));
			return true;
		}
		slice(rows, last);
		return last;
	};
}

/**
 * Starts reads, all of one moment. `started` is called only if the snapshot was not taken when this returned.
 *
 * @param {Connection} connection
 * @param {Read[]} reads
 * @param {() => void} started
 * @returns {boolean} whether the snapshot is taken
 */
function startReads(connection, reads, started) {
	const ids = reads.map((read) => connection.expect(rowsHandler(read, started)));
	return connection.native.readSql(ids, NO_LEASE, encodeReads(reads));
}

module.exports = { NO_LEASE, encodeReads, encoded, rowsHandler, startReads };
