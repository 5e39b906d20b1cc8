"use strict";

const { rejecter } = require("../../base/errors.js");
const { after, checkListOptions, checkReversibleRange } = require("../../base/kv-arguments.js");
const { LIST_ROWS_MAX, PAGE_BYTES_MAX } = require("../../base/limits.js");
const { addKeys, addRows } = require("../../native/decode.js");
const { cursorAfter, restOf } = require("./page-cursor.js");

/**
 * @typedef {InstanceType<typeof import("../../queue/queue.js").OperationQueue>} OperationQueue
 * @typedef {import("../../base/kv-arguments.js").KeyRange} KeyRange
 * @typedef {import("../../native/addon").RowSlice} RowSlice
 * @typedef {import("./page-cursor.js").Listing} Listing
 */

/**
 * First entries of a range, or its first keys alone.
 *
 * @template T
 * @typedef {{ rows: T[], hasMore: boolean }} FirstRows
 */

/**
 * A page of a list.
 *
 * @param {OperationQueue} queue
 * @param {string | undefined} community
 * @param {unknown} options
 * @param {boolean} keysOnly
 * @returns {Promise<import("../../..").Page<any>>}
 */
async function readPage(queue, community, options, keysOnly) {
	const { range, isReverse, limit, cursor } = checkListOptions(options);
	const listing = { community, range, isReverse };
	const rest = restOf(listing, cursor);
	const { rows, hasMore } = await readFirst(queue, { ...listing, range: rest }, { limit, keysOnly });
	const last = rows.at(-1);
	return { entries: rows, cursor: hasMore ? cursorAfter(listing, keysOnly ? last : last.key) : undefined };
}

/**
 * The entries of a range, read a page at a time as they are asked for. Between two pages nothing is held.
 *
 * @param {OperationQueue} queue
 * @param {string | undefined} community
 * @param {unknown} given
 * @returns {AsyncGenerator<any, void, void>}
 */
async function* iterate(queue, community, given) {
	let { range, isReverse } = checkReversibleRange(given);
	for (;;) {
		const page = { limit: LIST_ROWS_MAX, bytesMax: PAGE_BYTES_MAX, keysOnly: false };
		const { rows, hasMore } = await readFirst(queue, { community, range, isReverse }, page);
		yield* rows;
		if (!hasMore) {
			return;
		}
		const { key } = rows.at(-1);
		range = isReverse ? { from: range.from, to: key } : { from: after(key), to: range.to };
	}
}

/**
 * @param {OperationQueue} queue
 * @param {Listing} listing
 * @param {{ limit: number, bytesMax?: number, keysOnly: boolean }} page
 * @returns {Promise<FirstRows<any>>}
 */
function readFirst(queue, { community, range, isReverse }, page) {
	return new Promise((resolve, reject) => {
		/** @type {any[]} */
		const rows = [];
		const slice = (/** @type {RowSlice} */ { json }, /** @type {boolean} */ last) => {
			const hasMore = page.keysOnly ? addKeys(rows, json) : addRows(rows, json, false);
			if (last) {
				resolve({ rows, hasMore });
			}
		};
		const span = { community, from: range.from, to: range.to };
		queue.page({ span, options: { isReverse, ...page } }, { slice, reject: rejecter(resolve, reject) });
	});
}

module.exports = { iterate, readPage };
