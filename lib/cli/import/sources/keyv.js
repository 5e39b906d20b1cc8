"use strict";

const { checkFile, withExpiry } = require("./source.js");
const { itemOfRow, openTables } = require("./tables.js");
const { fromJson } = require("../values/json.js");
const { Refusal, carried } = require("../values/kinds.js");

/**
 * @typedef {import("./source.js").ImportOptions} ImportOptions
 * @typedef {import("../values/kinds.js").Kind} Kind
 */

const EXPECTED = "a database of @keyv/sqlite, which has a table with the columns key and value, by default keyv";

/** Namespace of Keyv's own default, which is left out of keys. */
const DEFAULT_NAMESPACE = "keyv:";

/** Table that Keyv makes unless it is told another. */
const DEFAULT_TABLE = "keyv";

/** Mark of a text that stands for bytes. Any other text that begins with a colon has one more. */
const BYTES = ":base64:";

/** Texts of JSON in which a string may begin with a colon. */
const COLON_TEXT = /[:[,\s]":/;

/** @type {import("./tables.js").TableForm} */
const FORM = {
	name: "Keyv",
	key: "key",
	value: "value",
	isOwn: ({ columns }) => columns.has("key") && columns.has("value"),
	itemOf: () => (from, row) => {
		/** @type {number | undefined} */
		let expiresAt;
		const [table, key, ...rest] = row;
		const name = key?.startsWith(DEFAULT_NAMESPACE) ? key.slice(DEFAULT_NAMESPACE.length) : key;
		const item = itemOfRow(from, [table, name, ...rest], "", (text, kinds) => {
			const { value, expires } = fromEnvelope(text, kinds);
			expiresAt = expires;
			return value;
		});
		return withExpiry(item, expiresAt);
	},
};

/**
 * Opens what Keyv has stored with @keyv/sqlite.
 *
 * @param {string} file
 * @param {ImportOptions} options
 */
async function openKeyv(file, { table = [DEFAULT_TABLE] }) {
	checkFile(file, EXPECTED);
	return openTables(file, EXPECTED, table, () => FORM);
}

/**
 * Parses the envelope of a value, `{"value":…,"expires":…}`.
 *
 * @param {string} text
 * @param {Set<Kind>} kinds
 * @returns {{ value: unknown, expires: number | undefined }}
 */
function fromEnvelope(text, kinds) {
	const envelope = fromJson(text, kinds, COLON_TEXT.test(text) ? (value) => unescaped(value, kinds) : undefined);
	if (typeof envelope !== "object" || envelope === null || Array.isArray(envelope)) throw unknown();
	const { value, expires } = envelope;
	if (expires !== undefined && expires !== null && typeof expires !== "number") throw unknown();
	return { value: carried(value, kinds), expires: expires ?? undefined };
}

/**
 * @param {unknown} value
 * @param {Set<Kind>} kinds
 */
function unescaped(value, kinds) {
	if (typeof value !== "string" || !value.startsWith(":")) return value;
	if (!value.startsWith(BYTES)) return value.slice(1);
	kinds.add("bytes");
	return Buffer.from(value.slice(BYTES.length), "base64").toJSON();
}

function unknown() {
	return new Refusal("has a value of another form than Keyv writes");
}

module.exports = { openKeyv };
