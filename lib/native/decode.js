"use strict";

/**
 * @typedef {import("./addon").RowSlice} RowSlice
 */

/**
 * The rows of a slice.
 *
 * @param {RowSlice} slice
 * @returns {any[]}
 */
function decodeSlice({ json, patches, bytes }) {
	const rows = JSON.parse(json);
	if (patches) {
		patch(rows, JSON.parse(patches), bytes ?? new Uint8Array(0));
	}
	return rows;
}

/**
 * Fills the gaps that JSON has left; `src/sql/rows.rs` says how they are described.
 *
 * @param {any[]} rows
 * @param {any[]} patches row, key, value, and so on
 * @param {Uint8Array} bytes
 */
function patch(rows, patches, bytes) {
	let offset = 0;
	for (let at = 0; at < patches.length; at += 3) {
		const [row, key, value] = [rows[patches[at]], patches[at + 1], patches[at + 2]];
		if (typeof value === "number") {
			row[key] = Uint8Array.prototype.slice.call(bytes, offset, offset + value);
			offset += value;
		} else {
			row[key] = typeof value === "string" ? BigInt(value) : value ? Infinity : -Infinity;
		}
	}
}

module.exports = { decodeSlice };
