"use strict";

const { quoted } = require("./database.js");
const { checkFile, invalidSource } = require("./source.js");
const { itemOfRow, openTables } = require("./tables.js");
const { fromScript } = require("../values/serialize-javascript.js");
const { fromTyped } = require("../values/better-serialize.js");

/**
 * @typedef {import("./source.js").ImportOptions} ImportOptions
 */

const EXPECTED = "a database of enmap 5 or 6, such as data/enmap.sqlite, which has the table internal::autonum";

/** Prefix of tables that are not enmaps; the table of counters; the prefix of tables of changes, which only enmap 5 makes. */
const INTERNAL = "internal::";
const COUNTERS = `${INTERNAL}autonum`;
const CHANGES = `${INTERNAL}changes::`;

/** Form of the values of enmap 6, as a GLOB pattern. */
const TYPED = '{"t":[0-9]*}';

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
async function formOf({ file, tables, all }) {
	const names = new Set(tables.map(({ name }) => name));
	if (!names.has(COUNTERS)) throw invalidSource(file, `has no table ${COUNTERS}`, EXPECTED);
	const counters = await all(`SELECT CAST(enmap AS TEXT) AS name FROM "${COUNTERS}" WHERE CAST(lastnum AS REAL) > 0`);
	return {
		name: "enmap",
		notes: counters.map(({ name }) => `the counter of autonum of ${name} is not imported`),
		key: "key",
		value: "value",
		isOwn: ({ name, columns }) => !name.startsWith(INTERNAL) && columns.has("key") && columns.has("value"),
		itemOf: async ({ name }) => {
			const decode = (await isTyped(all, name, names.has(CHANGES + name))) ? fromTyped : fromScript;
			return (from, row) => itemOfRow(from, row, `${name}:`, decode);
		},
	};
}

/**
 * True if an enmap has values as enmap 6 writes them. A table of changes does not tell for sure: it stays in a file that was
 * enmap 5's before, and older versions made none. So the values tell: enmap 5 hardly has them all in the form of enmap 6, and
 * enmap 6 has at least one that is.
 *
 * @param {import("./database.js").SourceDatabase["all"]} all
 * @param {string} name
 * @param {boolean} hasChanges
 */
async function isTyped(all, name, hasChanges) {
	const [found] = await all(`
		SELECT EXISTS (SELECT 1 FROM ${quoted(name)} WHERE value GLOB '${TYPED}') AS some,
			EXISTS (SELECT 1 FROM ${quoted(name)} WHERE value NOT GLOB '${TYPED}') AS others`);
	return found.some === 1 && (!hasChanges || found.others === 0);
}

module.exports = { openEnmap };
