"use strict";

const { createHash } = require("node:crypto");

/** @typedef {import("../server/keys.js").StoredEntry} Row */

/**
 * Time within which an expiry may have come for one side and not for the other: its clock may differ, and it reads later.
 */
const EXPIRY_TOLERANCE_MS = 60_000;

/**
 * Sequence of rows that can be looked at before it goes on.
 */
class Rows {
	#pages;
	/** @type {Row[]} */
	#page = [];
	#at = 0;

	/** @param {AsyncIterable<Row[]>} pages */
	constructor(pages) {
		this.#pages = pages[Symbol.asyncIterator]();
	}

	/** The next row, which stays the next; `undefined` at the end. */
	async peek() {
		while (this.#at >= this.#page.length) {
			const { value, done } = await this.#pages.next();
			if (done) return undefined;
			[this.#page, this.#at] = [value, 0];
		}
		return this.#page[this.#at];
	}

	skip() {
		this.#at++;
	}

	/** The rows that are left, in pages. */
	async *rest() {
		while ((await this.peek()) !== undefined) {
			const page = this.#page.slice(this.#at);
			this.#at = this.#page.length;
			yield page;
		}
	}

	async close() {
		await this.#pages.return?.();
	}
}

/**
 * Compares two sequences until one ends, or they differ. Rows that have expired, or are about to, may be missing from either.
 *
 * @param {Rows} source
 * @param {Rows} target
 * @param {(keys: number) => void} told
 * @returns {Promise<{ keys: number, hash: string, differsAt: Row | undefined }>} the rows that are the same, and the first
 *   that is not: also one of the target behind the end of the source
 */
async function compare(source, target, told) {
	const hash = createHash("sha256");
	let keys = 0;
	const end = (/** @type {Row | undefined} */ differsAt) => ({ keys, hash: hash.digest("hex"), differsAt });
	for (;;) {
		const [one, other] = [await source.peek(), await target.peek()];
		if (other === undefined) return end(undefined);
		if (one !== undefined && isSame(one, other)) {
			source.skip();
			target.skip();
			hash.update(JSON.stringify([one[0], one[1], canonical(one[2]), one[3]]));
			if (++keys % 1_000 === 0) told(keys);
		} else if (one !== undefined && mayHaveExpired(one)) {
			source.skip();
		} else if (mayHaveExpired(other)) {
			target.skip();
		} else {
			return end(other);
		}
	}
}

/**
 * True if nothing is left, except for what has expired.
 *
 * @param {Rows} rows
 */
async function isAtEnd(rows) {
	for (;;) {
		const row = await rows.peek();
		if (row === undefined) return true;
		if (!mayHaveExpired(row)) return false;
		rows.skip();
	}
}

/** @param {Row} row */
function mayHaveExpired([, , , expiresAt]) {
	return expiresAt !== null && expiresAt < Date.now() + EXPIRY_TOLERANCE_MS;
}

/**
 * @param {Row} one
 * @param {Row} other
 */
function isSame(one, other) {
	return (
		one[0] === other[0] &&
		one[1] === other[1] &&
		one[3] === other[3] &&
		(one[2] === other[2] || canonical(one[2]) === canonical(other[2]))
	);
}

/**
 * A value's text as JavaScript writes it: another program may have written it with spaces, or a number in another form.
 *
 * @param {string} text
 */
function canonical(text) {
	try {
		return JSON.stringify(JSON.parse(text));
	} catch {
		// Rows of others may hold anything.
		return text;
	}
}

/** @param {string} text */
function isJson(text) {
	try {
		JSON.parse(text);
		return true;
	} catch {
		return false;
	}
}

module.exports = { Rows, compare, isAtEnd, isJson };
