"use strict";

const { createHash } = require("node:crypto");
const { invalidArgument } = require("../../base/errors.js");
const { ANSWER_LENGTH, CELL_LENGTH, PREVIEW_BYTES } = require("../limits.js");

/**
 * Cell of an answer. A text and a number that JavaScript holds exactly stand for themselves; the others are objects:
 * `{ int }` an integer as decimal digits, `{ real }` a number that JSON has not, `{ text, length }` the beginning of a text,
 * `{ blob, bytes }` the beginning of a BLOB as hexadecimal digits.
 *
 * @typedef {null | string | number | { int: string } | { real: string } | { text: string, length: number }
 *   | { blob: string, bytes: number }} Cell
 */

/**
 * @param {unknown} value as SQL returns it
 * @param {number} [lengthMax] of a text, or of the digits of a BLOB, of which {@link PREVIEW_BYTES} are always there
 * @returns {Cell}
 */
function toCell(value, lengthMax = CELL_LENGTH) {
	if (value === null || value === undefined) return null;
	if (typeof value === "bigint") return { int: String(value) };
	if (typeof value === "number") return Number.isFinite(value) ? value : { real: String(value) };
	if (value instanceof Uint8Array) {
		const begin = value.subarray(0, Math.max(PREVIEW_BYTES, Math.floor(lengthMax / 2)));
		return { blob: Buffer.from(begin).toString("hex"), bytes: value.length };
	}
	const text = String(value);
	return text.length > lengthMax ? { text: beginOf(text, lengthMax), length: text.length } : text;
}

/**
 * The beginning of a text, which does not end within a character.
 *
 * @param {string} text
 * @param {number} length
 */
function beginOf(text, length) {
	const begin = text.slice(0, length);
	return begin.isWellFormed() ? begin : begin.slice(0, -1);
}

/**
 * Rows of cells, as many as an answer may hold.
 *
 * @param {unknown[][]} rows
 */
function toCells(rows) {
	/** @type {Cell[][]} */
	const cells = [];
	let length = 0;
	for (const row of rows) {
		const made = row.map((value) => toCell(value));
		length += made.reduce((/** @type {number} */ sum, cell) => sum + lengthOf(cell), 0);
		if (length > ANSWER_LENGTH && cells.length > 0) break;
		cells.push(made);
	}
	return cells;
}

/**
 * @param {Cell} cell
 * @returns {number}
 */
function lengthOf(cell) {
	if (typeof cell === "string") return cell.length + 2;
	if (typeof cell !== "object" || cell === null) return 8;
	return Object.values(cell).reduce((/** @type {number} */ sum, part) => sum + String(part).length, 16);
}

/**
 * The value of a cell that the page sends back whole. One that was typed has no number of bytes, or 0.
 *
 * @param {any} cell
 * @returns {import("../../..").SqlValue}
 */
function fromCell(cell) {
	if (cell === null || typeof cell === "string" || typeof cell === "number") return cell;
	if (typeof cell?.int === "string" && /^-?\d{1,19}$/.test(cell.int)) return BigInt(cell.int);
	if (typeof cell?.real === "string") return Number(cell.real);
	if (typeof cell?.blob === "string" && /^([0-9a-f]{2})*$/i.test(cell.blob)) {
		const blob = Buffer.from(cell.blob, "hex");
		if (cell.bytes > 0 && cell.bytes !== blob.length) {
			throw invalidArgument("value", "must be whole, not the beginning of a BLOB");
		}
		return blob;
	}
	throw invalidArgument("value", "must be null, a text, a number, or { int }, { real } or { blob }");
}

/**
 * Digest of a key or a row that tells whether it was changed meanwhile.
 *
 * @param {unknown[]} parts
 */
function versionOf(parts) {
	const hash = createHash("sha256");
	for (const part of parts) {
		const bytes = part instanceof Uint8Array ? part : Buffer.from(String(part));
		hash.update(`${part === null ? "null" : part instanceof Uint8Array ? "blob" : typeof part} ${bytes.length} `);
		hash.update(bytes);
	}
	return hash.digest("base64url");
}

module.exports = { beginOf, fromCell, toCell, toCells, versionOf };
