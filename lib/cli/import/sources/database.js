"use strict";

const { statSync } = require("node:fs");
const { openForeign } = require("../../../open-store.js");
const { RootcellarError } = require("../../../base/errors.js");
const { textDecoder } = require("../../text-decoder.js");
const { invalidSource } = require("./source.js");

/**
 * Table of a source: its name, and its columns, by their names in lower case.
 *
 * @typedef {{ name: string, columns: Map<string, { name: string, type: string, isKey: boolean }> }} Table
 *
 * @typedef {Awaited<ReturnType<typeof openDatabase>>} SourceDatabase
 * @typedef {import("./source.js").Item} Item
 */

/** Expected state of a source, for the message, by the beginning of the code of SQLite's error. */
const STATES = [
	["SQLITE_BUSY", "a database that no other program keeps locked"],
	["SQLITE_CORRUPT", "a whole database"],
];

/** Terms of a statement that unites as many tables; SQLite allows 500 (sqlite.org/limits.html). */
const TERMS_MAX = 400;

/** Bounds of what is read at a time. */
const ROWS_AT_ONCE = 1_000;
const BYTES_AT_ONCE = 4 << 20;

const TABLES = `
SELECT master.name AS "table", info.name, info.type, info.pk
FROM sqlite_schema AS master JOIN pragma_table_info(master.name) AS info
WHERE master.type = 'table' AND master.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
ORDER BY master.rowid, info.cid`;

/**
 * Opens the database of another program, which may be at work on it, to read only.
 *
 * @param {string} file
 * @param {string} expected what it should be, for errors
 */
async function openDatabase(file, expected) {
	if (statSync(file).size === 0) throw invalidSource(file, "is empty", expected);
	const store = openForeign(file);
	const all = (/** @type {string} */ sql) =>
		store.sqlite.all(sql).catch((error) => {
			throw explained(error, file, expected);
		});
	try {
		const tables = tablesOf(await all(TABLES));
		const [{ encoding }] = await all("PRAGMA encoding");
		const [decode, { iterate }] = [textDecoder(encoding), store.sqlite];
		return { file, expected, tables, decode, all, iterate, close: () => store.close() };
	} catch (error) {
		await store.close();
		throw error;
	}
}

/**
 * @param {any} error
 * @param {string} file
 * @param {string} expected
 */
function explained(error, file, expected) {
	const { code, message } = error;
	if (code === "SQLITE_NOTADB") return invalidSource(file, "is not a database", expected);
	// The tables have another form, or what they need is not there.
	if (code === "SQLITE_ERROR") return invalidSource(file, `cannot be read: ${message}`, expected);
	const [, state] = STATES.find(([begin]) => code?.startsWith(begin)) ?? [];
	const instead = state === undefined ? "" : `; expected ${state}`;
	return new RootcellarError(
		code ?? "ERR_INTERNAL",
		`${file} cannot be read: ${message}${instead}; nothing was imported`,
	);
}

/**
 * @param {any[]} rows
 * @returns {Table[]}
 */
function tablesOf(rows) {
	/** @type {Map<string, Table>} */
	const tables = new Map();
	for (const { table, name, type, pk } of rows) {
		const found = tables.get(table) ?? { name: table, columns: new Map() };
		found.columns.set(name.toLowerCase(), { name, type: type.toUpperCase(), isKey: pk > 0 });
		tables.set(table, found);
	}
	return [...tables.values()];
}

/**
 * The tables of a source that have the form of its own, or those that `--table` names.
 *
 * @param {SourceDatabase} database
 * @param {string[] | undefined} wanted
 * @param {(table: Table) => boolean} isOwn
 */
function chosenTables({ file, expected, tables }, wanted, isOwn) {
	const own = tables.filter(isOwn);
	const names = own.map(({ name }) => name);
	if (own.length === 0) {
		const there = tables.map(({ name }) => name).join(", ") || "no table";
		throw invalidSource(file, `has ${there}`, expected);
	}
	const missing = wanted?.find((name) => !names.includes(name));
	if (missing !== undefined) {
		throw new RootcellarError(
			"ERR_NOT_FOUND",
			`${file} has no table ${missing} to import; it has ${names.join(", ")}; nothing was imported`,
		);
	}
	return wanted === undefined ? own : own.filter(({ name }) => wanted.includes(name));
}

/**
 * Row of a table: the index of the table, its key and its value if those are texts, otherwise their types, and the number of
 * rows that the key has. As it is selected, the texts are bytes, since SQLite does not check that they are texts.
 *
 * @template [Text=string]
 * @typedef {[table: number, key: Text | null, value: Text | null, keyType: string, valueType: string, rows: number]} Row
 */

/**
 * Statement for the rows of a table.
 *
 * @param {Table} table
 * @param {number} index
 * @param {string} key
 * @param {string} value
 */
function selectRows({ name, columns }, index, key, value) {
	const [from, keyName, valueName] = [name, columns.get(key)?.name ?? key, columns.get(value)?.name ?? value].map(
		quoted,
	);
	const text = (/** @type {string | undefined} */ column) =>
		`iif(typeof(${column}) = 'text', CAST(${column} AS BLOB), NULL)`;
	const type = (/** @type {string | undefined} */ column) => `nullif(typeof(${column}), 'text')`;
	const parts = [index, text(keyName), text(valueName), type(keyName), type(valueName)];
	if (columns.get(key)?.isKey) return `SELECT ${parts.join(", ")}, 1 FROM ${from}`;
	// Without a primary key, a key may have several rows, of which the library finds the first: SQLite takes the other columns
	// from the row that has the minimum.
	const named = parts.map((part, place) => `${part} AS c${place}`).join(", ");
	return (
		`SELECT c0, c1, c2, c3, c4, c5 FROM (SELECT ${named}, count(*) AS c5, min(rowid) AS "first" FROM ${from} ` +
		`GROUP BY ${keyName} ORDER BY "first")`
	);
}

/**
 * Items from the rows of statements, some rows at a time. Up to some hundred statements are read in one snapshot.
 *
 * @param {SourceDatabase} database
 * @param {string[]} statements
 * @param {Record<string, any>} parameters
 * @param {(row: any, done: number) => Item} toItem gets the row as an array, and its number
 * @param {(row: any, done: number) => number} [doneBy] how far the source has been read after a row
 */
async function* itemsOf({ file, expected, iterate }, statements, parameters, toItem, doneBy = (_row, done) => done) {
	let [done, bytes] = [0, 0];
	/** @type {Item[]} */
	let items = [];
	for (let first = 0; first < statements.length; first += TERMS_MAX) {
		const united = statements.slice(first, first + TERMS_MAX).join("\nUNION ALL\n");
		try {
			for await (const row of iterate(united, parameters, { rowMode: "array" })) {
				done++;
				const item = toItem(row, done);
				items.push(item);
				bytes += item.bytes ?? 0;
				if (items.length < ROWS_AT_ONCE && bytes < BYTES_AT_ONCE) continue;
				yield { items, done: doneBy(row, done) };
				[items, bytes] = [[], 0];
			}
		} catch (error) {
			throw explained(error, file, expected);
		}
	}
	yield { items, done };
}

/**
 * Number of the rows of tables.
 *
 * @param {SourceDatabase} database
 * @param {Table[]} tables
 */
async function countRows({ all }, tables) {
	let rows = 0;
	for (const { name } of tables) {
		const [found] = await all(`SELECT CAST(count(*) AS REAL) AS n FROM ${quoted(name)}`);
		rows += Number(found?.n);
	}
	return rows;
}

/** @param {string} name */
function quoted(name) {
	return `"${name.replaceAll('"', '""')}"`;
}

module.exports = { chosenTables, countRows, itemsOf, openDatabase, quoted, selectRows };
