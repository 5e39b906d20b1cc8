"use strict";

const { chosenTables, countRows, itemsOf, openDatabase, selectRows } = require("./database.js");
const { KEY_NOT_TEXT, itemOf } = require("./source.js");
const { Refusal } = require("../values/kinds.js");

/**
 * @typedef {import("./database.js").Table} Table
 * @typedef {import("./database.js").Row} Row
 * @typedef {import("./database.js").Row<Uint8Array>} SelectedRow
 * @typedef {import("./database.js").SourceDatabase} SourceDatabase
 * @typedef {import("./source.js").Item} Item
 * @typedef {import("../values/kinds.js").Kind} Kind
 *
 * @typedef {(from: string, row: Row) => Item} ToItem
 *
 * Form of a source that keeps each key in a row of a table: the columns, which tables are its own, and what a row of a table
 * means.
 *
 * @typedef {{
 *   name: string,
 *   notes?: string[],
 *   key: string,
 *   value: string,
 *   isOwn: (table: Table) => boolean,
 *   itemOf: (table: Table) => ToItem | Promise<ToItem>,
 * }} TableForm
 */

/** Names of the types of SQLite that are no texts. */
const TYPES = /** @type {Record<string, string>} */ ({
	null: "NULL",
	integer: "an integer",
	real: "a number",
	blob: "a BLOB",
});

/**
 * Opens a database whose form is told by what is in it.
 *
 * @param {string} file
 * @param {string} expected what it should be, for errors
 * @param {string[] | undefined} wanted names of tables
 * @param {(database: SourceDatabase) => TableForm | Promise<TableForm>} formOf
 * @returns {Promise<import("./source.js").Source>}
 */
async function openTables(file, expected, wanted, formOf) {
	const database = await openDatabase(file, expected);
	try {
		const { name, notes = [], key, value, isOwn, itemOf } = await formOf(database);
		const tables = chosenTables(database, wanted, isOwn);
		const toItem = await Promise.all(tables.map(itemOf));
		const statements = tables.map((table, index) => selectRows(table, index, key, value));
		return {
			name,
			hasCommunities: false,
			notes,
			total: await countRows(database, tables),
			of: "the rows",
			read: () => itemsOf(database, statements, {}, reader(database, tables, toItem)),
			close: database.close,
		};
	} catch (error) {
		await database.close();
		throw error;
	}
}

/**
 * Makes items of rows, and counts those of each table.
 *
 * @param {SourceDatabase} database
 * @param {Table[]} tables
 * @param {ToItem[]} toItem for each
 * @returns {(row: SelectedRow) => Item}
 */
function reader({ decode }, tables, toItem) {
	const readers = tables.map(({ name }, index) => ({ name, toItem: /** @type {ToItem} */ (toItem[index]), rows: 0 }));
	return ([table, keyBytes, valueBytes, ...rest]) => {
		const reader = /** @type {typeof readers[number]} */ (readers[table]);
		reader.rows++;
		const from = `row ${reader.rows} of ${reader.name}`;
		const key = keyBytes && decode(keyBytes);
		if (key?.isExact === false) return { from, refusal: KEY_NOT_TEXT };
		const value = valueBytes && decode(valueBytes);
		const item = reader.toItem(from, [table, key?.text ?? null, value?.text ?? null, ...rest]);
		if (value?.isExact === false) item.kinds?.add("utf8");
		return item;
	};
}

/**
 * An item for a row. NULL counts as null.
 *
 * @param {string} from
 * @param {Row} row
 * @param {string} prefix for the key
 * @param {(text: string, kinds: Set<Kind>) => unknown} toValue
 * @returns {Item}
 */
function itemOfRow(from, [, key, value, keyType, valueType, rows], prefix, toValue) {
	if (key === null) return { from, refusal: `has a key that is no text, but ${TYPES[keyType]}` };
	const bytes = key.length + (value?.length ?? 0);
	return itemOf({ from, key: prefix + key, bytes }, (kinds) => {
		if (rows > 1) kinds.add("duplicate");
		if (value !== null) return toValue(value, kinds);
		if (valueType !== "null") throw new Refusal(`has a value that is no text, but ${TYPES[valueType]}`);
		kinds.add("null");
		return null;
	});
}

module.exports = { itemOfRow, openTables };
