"use strict";

const { RootcellarError, invalidArgument } = require("../../base/errors.js");
const { drained } = require("../exchange.js");
const { COUNT_MAX, LONG_ROUTE_MS, PAGE_ROWS, VALUE_BODY_BYTES_MAX } = require("../limits.js");
const { fromCell, toCell, toCells } = require("../values/cells.js");
const { countOf, listOf, optionalTextOf, textOf } = require("../values/input.js");
const { isOwn, quoted, schemaOf, tableOf } = require("./schema.js");

/**
 * @typedef {import("./route").Route} Route
 * @typedef {import("./route").Session} Session
 * @typedef {import("./schema.js").Table} Table
 * @typedef {import("../../..").Transaction} Transaction
 */

const ROWS = /** @type {const} */ ({ rowMode: "array", bigint: "large" });

/**
 * Columns that identify a row: its row id or its primary key; none for a view.
 *
 * @param {Table} table
 */
function keyOf({ rowid, columns }) {
	if (rowid !== undefined) return [rowid];
	return columns
		.filter(({ pk }) => pk > 0)
		.sort((one, other) => one.pk - other.pk)
		.map(({ name }) => quoted(name));
}

/**
 * The names of values, in the order of the columns.
 *
 * @param {string[]} names
 */
function tuple(names) {
	return names.length === 1 ? (names[0] ?? "") : `(${names.join(", ")})`;
}

/**
 * A page of rows: behind a row, so that each page costs the same, wherever it is. The rows of a view have nothing that tells
 * them, so they are counted.
 *
 * @param {Table} table
 * @param {{ where: string | undefined, after: any[] | undefined, offset: number, limit: number }} wanted
 */
function pageQuery(table, { where, after, offset, limit }) {
	const key = keyOf(table);
	const names = table.columns.map(({ name }) => quoted(name));
	const conditions = where === undefined ? [] : [`(${where}\n)`];
	const parameters = (after ?? []).map(fromCell);
	if (parameters.length > 0) {
		if (parameters.length !== key.length) throw invalidArgument("after", "must be the key of a row");
		conditions.push(`${tuple(key)} > ${tuple(key.map(() => "?"))}`);
	}
	const filter = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
	const order =
		key.length === 0 ? `LIMIT ${limit + 1} OFFSET ${offset}` : `ORDER BY ${key.join(", ")} LIMIT ${limit + 1}`;
	return { sql: `SELECT ${[...key, ...names].join(", ")} FROM ${quoted(table.name)} ${filter} ${order}`, parameters };
}

/**
 * The row that a key tells, with a condition and its parameters.
 *
 * @param {Table} table
 * @param {unknown[]} key
 */
function whereKey(table, key) {
	const names = keyOf(table);
	if (names.length === 0) throw invalidArgument("table", "is a view, whose rows cannot be changed here");
	if (key.length !== names.length) throw invalidArgument("key", `must have ${names.length} values`);
	// The first finds the row. By the second it has this very key, also where the column takes others for equal.
	const condition = names.map((name) => `${name} IS ? AND ${name} COLLATE BINARY IS ?`).join(" AND ");
	return { condition, parameters: key.map(fromCell).flatMap((value) => [value, value]) };
}

/**
 * @param {Table} table
 * @param {string} name
 */
function columnOf(table, name) {
	const column = table.columns.find((one) => one.name === name);
	if (column === undefined) throw invalidArgument("column", "is no column of the table");
	return column;
}

/** @param {Table} table */
function checkEditable(table) {
	if (isOwn(table.name)) {
		throw new RootcellarError(
			"ERR_READ_ONLY",
			"the rows of this table belong to the store; keys are changed under Keys",
		);
	}
}

/** Values of a row that are to be stored, by column. */
const entriesOf = (/** @type {Table} */ table, /** @type {unknown} */ values) => {
	if (typeof values !== "object" || values === null) throw invalidArgument("values", "must be an object");
	return Object.entries(values).map(([name, value]) => ({ name: columnOf(table, name).name, value: fromCell(value) }));
};

/**
 * Throws an error of a condition without its place, which is one in a statement that nobody has typed.
 *
 * @param {any} error
 * @returns {never}
 */
function withoutPlace(error) {
	const message = String(error.message).replace(/, at line \d+, column \d+: "[\s\S]*$/, "");
	throw Object.assign(new RootcellarError(error.code, message), { name: error.name });
}

/** @type {Record<string, Route>} */
const TABLE_ROUTES = {
	schema: { run: (session, { moment }, signal) => session.read(moment, ({ sqlite }) => schemaOf(sqlite, signal)) },

	"table/rows": {
		run: (session, input, signal) =>
			session.read(input.moment, async ({ sqlite }) => {
				const table = await tableOf(sqlite, textOf(input, "table"), signal);
				const wanted = {
					where: optionalTextOf(input, "where")?.trim() || undefined,
					after: input.after === undefined ? undefined : listOf(input, "after"),
					offset: input.offset === undefined ? 0 : countOf(input, "offset", 1_000_000, 1),
					limit: countOf(input, "limit", PAGE_ROWS, PAGE_ROWS),
				};
				const { sql, parameters } = pageQuery(table, wanted);
				const found = await sqlite.all(sql, parameters, { ...ROWS, signal }).catch(withoutPlace);
				const width = keyOf(table).length;
				const rows = toCells(found.slice(0, wanted.limit).map((row) => row.slice(width)));
				const keys = found
					.slice(0, rows.length)
					.map((row) => row.slice(0, width).map((/** @type {unknown} */ part) => toCell(part, Infinity)));
				const isMore = found.length > rows.length;
				return {
					rows,
					keys,
					after: isMore && width > 0 ? keys.at(-1) : undefined,
					offset: isMore && width === 0 ? wanted.offset + rows.length : undefined,
				};
			}),
	},

	"table/count": {
		limitMs: LONG_ROUTE_MS,
		run: (session, input, signal) =>
			session.read(input.moment, async ({ sqlite }) => {
				const table = await tableOf(sqlite, textOf(input, "table"), signal);
				const where = optionalTextOf(input, "where")?.trim();
				const filter = where ? `WHERE (${where}\n)` : "";
				const bounded = `SELECT count(*) AS n FROM (SELECT 1 FROM ${quoted(table.name)} ${filter} LIMIT ${COUNT_MAX + 1})`;
				const whole = `SELECT count(*) AS n FROM ${quoted(table.name)} ${filter}`;
				const sql = input.all === true ? whole : bounded;
				const found = await sqlite.get(sql, [], { signal }).catch(withoutPlace);
				const count = found?.n ?? 0;
				const isMore = input.all !== true && count > COUNT_MAX;
				return { count: isMore ? COUNT_MAX : count, isMore };
			}),
	},

	/** A value in full. */
	"table/cell": {
		run: (session, input, signal) =>
			session.read(input.moment, async ({ sqlite }) => {
				const table = await tableOf(sqlite, textOf(input, "table"), signal);
				const column = columnOf(table, textOf(input, "column"));
				const { condition, parameters } = whereKey(table, listOf(input, "key"));
				const sql = `SELECT ${quoted(column.name)}, typeof(${quoted(column.name)}) FROM ${quoted(table.name)} WHERE ${condition}`;
				const row = await sqlite.get(sql, parameters, { ...ROWS, signal });
				if (row === undefined) throw new RootcellarError("ERR_NOT_FOUND", "the row does not exist any more");
				return { value: toCell(row[0], 1 << 24), type: row[1] };
			}),
	},

	"table/download": {
		run: async (session, input) => {
			const [name, column, key] = [textOf(input, "table"), textOf(input, "column"), listOf(input, "key")];
			const address = session.downloads.offer(async (response) => {
				const row = await session.read(input.moment, async ({ sqlite }) => {
					const table = await tableOf(sqlite, name);
					const { condition, parameters } = whereKey(table, key);
					const sql = `SELECT ${quoted(columnOf(table, column).name)} FROM ${quoted(table.name)} WHERE ${condition}`;
					return sqlite.get(sql, parameters, ROWS);
				});
				const [value] = /** @type {unknown[]} */ (row ?? []);
				const isBlob = value instanceof Uint8Array;
				response.writeHead(row === undefined ? 404 : 200, {
					"Content-Type": isBlob ? "application/octet-stream" : "text/plain; charset=utf-8",
					"Content-Disposition": `attachment; filename="value.${isBlob ? "bin" : "txt"}"`,
					"X-Content-Type-Options": "nosniff",
					"Cache-Control": "no-store",
				});
				if (!response.write(isBlob ? value : String(value ?? ""))) await drained(response);
				response.end();
			});
			return { address };
		},
	},

	"table/update": {
		writes: true,
		bodyBytes: VALUE_BODY_BYTES_MAX,
		run: (session, input, signal) =>
			edit(session, input, signal, async (tx, table) => {
				const name = quoted(columnOf(table, textOf(input, "column")).name);
				const { condition, parameters } = whereKey(table, listOf(input, "key"));
				const before = fromCell(input.before);
				// The type counts, too: 1 and 1.0 are equal, and not the same. Nor are 'a' and 'A', whatever the column's collation.
				const same = `${name} COLLATE BINARY IS ? AND typeof(${name}) = ?`;
				const sql = `UPDATE ${quoted(table.name)} SET ${name} = ? WHERE ${condition} AND ${same}`;
				const { changes } = await tx.run(sql, [fromCell(input.value), ...parameters, before, textOf(input, "type")]);
				checkOne(changes);
			}),
	},

	"table/insert": {
		writes: true,
		bodyBytes: VALUE_BODY_BYTES_MAX,
		run: (session, input, signal) =>
			edit(session, input, signal, async (tx, table) => {
				const entries = entriesOf(table, input.values);
				const names = entries.map(({ name }) => quoted(name)).join(", ");
				const values =
					entries.length === 0 ? "DEFAULT VALUES" : `(${names}) VALUES (${entries.map(() => "?").join(", ")})`;
				await tx.run(
					`INSERT INTO ${quoted(table.name)} ${values}`,
					entries.map(({ value }) => value),
				);
			}),
	},

	"table/delete": {
		writes: true,
		run: (session, input, signal) =>
			edit(session, input, signal, async (tx, table) => {
				const { condition, parameters } = whereKey(table, listOf(input, "key"));
				checkOne((await tx.run(`DELETE FROM ${quoted(table.name)} WHERE ${condition}`, parameters)).changes);
			}),
	},
};

/**
 * Changes a table that may be edited, in a transaction.
 *
 * @param {Session} session
 * @param {Record<string, unknown>} input
 * @param {AbortSignal} signal
 * @param {(tx: Transaction, table: Table) => Promise<void>} change
 */
async function edit(session, input, signal, change) {
	await session.store.sqlite.transaction(
		async (tx) => {
			const table = await tableOf(tx, textOf(input, "table"));
			checkEditable(table);
			await change(tx, table);
		},
		{ signal },
	);

	return {};
}

/** @param {number} changes */
function checkOne(changes) {
	if (changes === 1) return;
	throw new RootcellarError("ERR_CHANGED_MEANWHILE", "the row was changed or deleted meanwhile; nothing was saved");
}

module.exports = { TABLE_ROUTES };
