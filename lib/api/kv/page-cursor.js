"use strict";

const { atFirstUse } = require("../../base/at-first-use.js");
const { invalidArgument } = require("../../base/errors.js");
const { after } = require("../../base/kv-arguments.js");

/** Takes longer to load than the rest of the package. */
const crypto = atFirstUse(() => require("node:crypto"));

/**
 * @typedef {import("../../base/kv-arguments.js").KeyRange} KeyRange
 */

/**
 * Keys that a list goes through, page by page.
 *
 * @typedef {{ community: string | undefined, range: KeyRange, isReverse: boolean }} Listing
 */

/** First byte of a cursor: the version of what follows, a digest and the last key of the page. */
const VERSION = 1;
const DIGEST_BYTES = 8;

/**
 * The cursor behind a key. It has all that is needed to go on from there, so that it outlives the process.
 *
 * @param {Listing} listing
 * @param {string} key the last one of a page
 */
function cursorAfter(listing, key) {
	return Buffer.concat([Buffer.of(VERSION), digestOf(listing, key), Buffer.from(key)]).toString("base64url");
}

/**
 * The rest of a range behind a cursor.
 *
 * @param {Listing} listing
 * @param {string | undefined} cursor that of the page before; without one, everything is left
 * @returns {KeyRange}
 */
function restOf(listing, cursor) {
	const { range, isReverse } = listing;
	if (cursor === undefined) {
		return range;
	}
	const bytes = Buffer.from(cursor, "base64url");
	const key = bytes.toString("utf8", 1 + DIGEST_BYTES);
	// A new one is the same only if it was made for this.
	if (cursorAfter(listing, key) !== cursor) {
		throw invalidArgument("options.cursor", "must be that of a page of the same keys in the same order");
	}
	return isReverse ? { from: range.from, to: key } : { from: after(key), to: range.to };
}

/**
 * Tells a cursor of another list, or one that was changed.
 *
 * @param {Listing} listing
 * @param {string} key
 */
function digestOf({ community, range: { from, to }, isReverse }, key) {
	const parts = JSON.stringify([community ?? null, from, to ?? null, isReverse, key]);
	return crypto().createHash("sha256").update(parts).digest().subarray(0, DIGEST_BYTES);
}

module.exports = { cursorAfter, restOf };
