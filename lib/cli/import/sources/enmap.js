"use strict";

const { checkFile, invalidSource } = require("./source.js");
const { itemOfRow, openTables } = require("./tables.js");
const { fromScript } = require("../values/script.js");
const { fromTyped } = require("../values/typed.js");

/**
 * @typedef {import("./source.js").ImportOptions} ImportOptions
 */

const EXPECTED = "a database of enmap 5 or 6, such as data/enmap.sqlite, which has the table internal::autonum";

/** What names of tables begin with that hold no enmap; that of the counters; those of changes, which only enmap 5 makes. */
const INTERNAL = "internal::";
const COUNTERS = `${INTERNAL}autonum`;
const CHANGES = `${INTERNAL}changes::`;

/**
 * Opens what enmap 5 or 6 has stored. A key is `name:key`, with the name of the enmap.
 *
 * @param {string} file
 * @param {ImportOptions} options
 */
async function openEnmap(file, { table }) {
	checkFile(file, EXPECTED);
	return openTables(file, EXPECTED, table, formOf);
}

/**
 * @param {import("./database.js").SourceDatabase} database
 * @returns {Promise<import("./tables.js").TableForm>}
 */
async function formOf({ file, tables, sqlite }) {
	const names = new Set(tables.map(({ name }) => name));
	if (!names.has(COUNTERS)) throw invalidSource(file, `has no table ${COUNTERS}`, EXPECTED);
	const counters = await sqlite.all(
		`SELECT CAST(enmap AS TEXT) AS name FROM "${COUNTERS}" WHERE CAST(lastnum AS REAL) > 0`,
	);
	return {
		name: "enmap",
		notes: counters.map(({ name }) => `the counter of autonum of ${name} is not imported`),
		key: "key",
		value: "value",
		isOwn: ({ name, columns }) => !name.startsWith(INTERNAL) && columns.has("key") && columns.has("value"),
		itemOf: ({ name }) => {
			const decode = names.has(CHANGES + name) ? fromScript : fromTyped;
			return (from, row) => itemOfRow(from, row, `${name}:`, decode);
		},
	};
}

module.exports = { openEnmap };
