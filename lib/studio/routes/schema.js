"use strict";

const { RootcellarError } = require("../../base/errors.js");

/**
 * Table or view: its columns, its indexes, and the name by which its row id can be asked for, if it has one.
 *
 * @typedef {object} Table
 * @property {string} name
 * @property {"table" | "view" | "virtual"} kind
 * @property {string} sql
 * @property {boolean} isOwn
 * @property {string | undefined} rowid
 * @property {{ name: string, type: string, notNull: boolean, default: string | null, pk: number, isGenerated: boolean }[]} columns
 * @property {{ name: string, isUnique: boolean, columns: (string | null)[], sql: string | null }[]} indexes
 */

const TABLES = `
SELECT list.name AS name, list.type AS type, list.wr AS wr, coalesce(of.sql, '') AS sql
FROM pragma_table_list AS list JOIN sqlite_schema AS of ON of.name = list.name AND of.type IN ('table', 'view')
WHERE list.schema = 'main' AND list.type IN ('table', 'view', 'virtual') AND list.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
	AND (:name IS NULL OR list.name = :name)
ORDER BY list.name LIKE '\\_\\_root%' ESCAPE '\\', list.type = 'view', list.name`;

const COLUMNS = 'SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(?)';

const INDEXES = `
SELECT list.name AS name, list."unique" AS isUnique, of.sql AS sql,
	(SELECT json_group_array(info.name) FROM pragma_index_info(list.name) AS info) AS columns
FROM pragma_index_list(?) AS list LEFT JOIN sqlite_schema AS of ON of.name = list.name AND of.type = 'index'`;

/** Names of the row id, of which a column may have taken one. */
const ROWIDS = ["rowid", "_rowid_", "oid"];

/**
 * A name as SQL takes it, whatever is in it.
 *
 * @param {string} name
 */
function quoted(name) {
	return `"${name.replaceAll('"', '""')}"`;
}

/**
 * True if a table belongs to the store, so that its rows are not the user's to change.
 *
 * @param {string} name
 */
function isOwn(name) {
	return /^__root(app|cellar)_/i.test(name);
}

/**
 * @param {Pick<import("../../..").SqlMethods, "all">} sqlite
 * @param {string | null} name
 * @param {AbortSignal} [signal]
 * @returns {Promise<Table[]>}
 */
async function tablesOf(sqlite, name, signal) {
	const options = signal === undefined ? {} : { signal };
	const tables = await sqlite.all(TABLES, { name }, options);
	return Promise.all(
		tables.map(async (table) => {
			const [columns, indexes] = await Promise.all([
				sqlite.all(COLUMNS, [table.name], options),
				sqlite.all(INDEXES, [table.name], options),
			]);
			const names = new Set(columns.map((column) => column.name.toLowerCase()));
			const hasRowid = table.type !== "view" && table.wr === 0;
			return {
				name: table.name,
				kind: table.type,
				sql: table.sql,
				isOwn: isOwn(table.name),
				rowid: hasRowid ? ROWIDS.find((rowid) => !names.has(rowid)) : undefined,
				columns: columns
					.filter(({ hidden }) => hidden !== 1)
					.map((column) => ({
						name: column.name,
						type: column.type,
						notNull: column.notnull === 1,
						default: column.dflt_value,
						pk: column.pk,
						isGenerated: column.hidden > 1,
					})),
				indexes: indexes.map((index) => ({
					name: index.name,
					isUnique: index.isUnique === 1,
					columns: JSON.parse(index.columns),
					sql: index.sql,
				})),
			};
		}),
	);
}

/**
 * @param {Pick<import("../../..").SqlMethods, "all">} sqlite
 * @param {AbortSignal} [signal]
 */
async function schemaOf(sqlite, signal) {
	return { tables: await tablesOf(sqlite, null, signal) };
}

/**
 * @param {Pick<import("../../..").SqlMethods, "all">} sqlite
 * @param {string} name
 * @param {AbortSignal} [signal]
 */
async function tableOf(sqlite, name, signal) {
	const [table] = await tablesOf(sqlite, name, signal);
	if (table === undefined) throw new RootcellarError("ERR_NOT_FOUND", "there is no such table any more");
	return table;
}

module.exports = { isOwn, quoted, schemaOf, tableOf };
