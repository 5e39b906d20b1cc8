"use strict";

/**
 * A line of CSV (RFC 4180). A text that a spreadsheet would run as a formula is a text there: an apostrophe stands before it.
 *
 * @param {readonly unknown[]} values
 */
function toCsv(values) {
	return `${values.map(toField).join(",")}\r\n`;
}

/** @param {unknown} value */
function toField(value) {
	if (value === null || value === undefined) return "";
	if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
	if (typeof value !== "string") return String(value);
	const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
	// An empty text is not the same as none.
	return text === "" || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * A row as an object of JSON. Integers keep their digits, and a BLOB is in hexadecimal digits.
 *
 * @param {readonly string[]} columns
 * @param {readonly unknown[]} row
 */
function toJsonRow(columns, row) {
	return `{${columns.map((name, at) => `${JSON.stringify(name)}:${toJson(row[at])}`).join(",")}}`;
}

/** @param {unknown} value */
function toJson(value) {
	if (typeof value === "bigint") return String(value);
	if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString("hex"));
	// JSON has no infinite numbers.
	return JSON.stringify(value ?? null);
}

module.exports = { toCsv, toJsonRow };
