"use strict";

const { readDocument } = require("./document.js");
const { checkFile, invalidSource, itemOf } = require("./source.js");
const { itemOfRow, openTables } = require("./tables.js");
const { fromJson } = require("../values/json.js");
const { carried } = require("../values/kinds.js");
const { isDatabase } = require("../../files.js");

/**
 * @typedef {import("./source.js").Source} Source
 * @typedef {import("./source.js").ImportOptions} ImportOptions
 * @typedef {import("../values/kinds.js").Kind} Kind
 */

/** Table whose keys are as they are; those of another are `table:key`. */
const DEFAULT_TABLE = "json";

const EXPECTED =
	"a database of quick.db 7 or 9, which has tables with the columns ID and json, or the file of its JSON driver";

/** @type {import("./tables.js").TableForm} */
const FORM = {
	name: "quick.db",
	key: "id",
	value: "json",
	isOwn: ({ columns }) => columns.has("id") && columns.has("json"),
	itemOf: ({ name, columns }) => {
		const decode = columns.get("id")?.isKey ? fromJson : fromTwiceEncoded;
		return (from, row) => itemOfRow(from, row, prefixOf(name), decode);
	},
};

/**
 * Opens what quick.db 7 or 9 has stored. A dotted key of it is a member of the value of the key before the dot, as there.
 *
 * @param {string} file
 * @param {ImportOptions} options
 * @returns {Promise<Source>}
 */
async function openQuickDb(file, { table }) {
	checkFile(file, EXPECTED);
	return isDatabase(file) ? openTables(file, EXPECTED, table, () => FORM) : openJson(file, table);
}

/**
 * Parses a value of quick.db 7, which encodes a whole value twice, and only once one of which it has set a member.
 *
 * @param {string} text
 * @param {Set<Kind>} kinds
 */
function fromTwiceEncoded(text, kinds) {
	const value = fromJson(text, kinds);
	if (typeof value !== "string") return value;
	try {
		return fromJson(value, kinds);
	} catch {
		return value;
	}
}

/**
 * Opens the file of the JSON driver of quick.db 9: an object with a list of `{ id, value }` for each table.
 *
 * @param {string} file
 * @param {string[] | undefined} wanted
 * @returns {Source}
 */
function openJson(file, wanted) {
	const document = readDocument(file, EXPECTED);
	const isTables = document.isObject && Object.values(document.value).every(Array.isArray);
	if (!isTables) throw invalidSource(file, "has another form", EXPECTED);
	const tables = Object.keys(document.value);
	const missing = wanted?.find((name) => !tables.includes(name));
	if (missing !== undefined) throw invalidSource(file, `has no table ${missing}`, `one of ${tables.join(", ")}`);
	const chosen = wanted === undefined ? tables : tables.filter((name) => wanted.includes(name));
	return {
		name: "quick.db",
		hasCommunities: false,
		notes: [],
		total: chosen.reduce((total, name) => total + document.value[name].length, 0),
		of: "the rows",
		async *read() {
			let done = 0;
			for (const name of chosen) {
				for (const [place, row] of document.value[name].entries()) {
					done++;
					yield { items: [itemOfJson(`row ${place + 1} of ${name}`, name, row, document.kindsOf)], done };
				}
			}
		},
		close: async () => {},
	};
}

/**
 * @param {string} from
 * @param {string} table
 * @param {any} row
 * @param {import("../values/json.js").JsonDocument["kindsOf"]} kindsOf
 * @returns {import("./source.js").Item}
 */
function itemOfJson(from, table, row, kindsOf) {
	if (typeof row?.id !== "string") return { from, refusal: "has no id that is a text" };
	return itemOf({ from, key: prefixOf(table) + row.id }, (kinds) => {
		for (const kind of kindsOf(row, "value")) kinds.add(kind);
		return carried(row.value, kinds);
	});
}

/** @param {string} table */
function prefixOf(table) {
	return table === DEFAULT_TABLE ? "" : `${table}:`;
}

module.exports = { openQuickDb };
