"use strict";

const { RootcellarError } = require("../../base/errors.js");
const { COMMON_HEADERS, drained } = require("../exchange.js");
const { LONG_ROUTE_MS, ROUTE_MS, SQL_ROWS, UNDECIDED_MS } = require("../limits.js");
const { toCells } = require("../values/cells.js");
const { textOf } = require("../values/input.js");
const { toCsv, toJsonRow } = require("../values/tabular.js");

/**
 * @typedef {import("./route").Route} Route
 * @typedef {import("./route").Session} Session
 * @typedef {import("../../..").Transaction} Transaction
 *
 * Transaction that waits to be committed or rolled back.
 *
 * @typedef {{ id: string, decide: (commits: boolean) => void, ended: Promise<void> }} Undecided
 */

const ROWS = /** @type {const} */ ({ rowMode: "array", bigint: "large" });

const CHANGES = "SELECT total_changes() AS n";

/** @type {WeakMap<Session, Undecided>} */
const undecided = new WeakMap();

let lastId = 0;

class RolledBack extends Error {}

/**
 * Rows of a query, from one of them on.
 *
 * @param {AsyncIterable<any>} found
 * @param {number} offset
 */
async function take(found, offset) {
	/** @type {unknown[][]} */
	const rows = [];
	let at = 0;
	let isMore = false;
	for await (const row of found) {
		if (at++ < offset) continue;
		if (rows.length === SQL_ROWS) {
			isMore = true;
			break;
		}
		rows.push(row);
	}
	const cells = toCells(rows);
	return { rows: cells, isMore: isMore || cells.length < rows.length };
}

/**
 * Runs what writes in a transaction, and leaves it open until somebody decides, or for a time.
 *
 * @param {Session} session
 * @param {string} sql
 * @param {AbortSignal} signal
 */
async function change(session, sql, signal) {
	if (undecided.has(session)) {
		throw new RootcellarError("ERR_UNDECIDED", "commit or roll back what has run before");
	}
	const id = String(++lastId);
	/** @type {(commits: boolean) => void} */
	let decide = () => {};
	const decided = new Promise((/** @type {(commits: boolean) => void} */ resolve) => (decide = resolve));
	const ending = session.ending();
	return new Promise((resolve, reject) => {
		const ended = session.store.sqlite
			.transaction(
				async (tx) => {
					const result = await changed(tx, sql, signal);
					undecided.set(session, { id, decide, ended });
					const timer = setTimeout(() => decide(false), UNDECIDED_MS);
					ending.signal.addEventListener("abort", () => decide(false));
					resolve({ ...result, transaction: id, until: Date.now() + UNDECIDED_MS });
					const commits = await decided;
					clearTimeout(timer);
					if (!commits) throw new RolledBack();
				},
				{ signal, idleTimeoutMs: UNDECIDED_MS + ROUTE_MS },
			)
			.finally(() => {
				// Its callback may wait still, where it was ended by something else.
				decide(false);
				ending.forget();
				// Of two that were asked for at once, the one that waits may fail while the other is undecided.
				if (undecided.get(session)?.id === id) undecided.delete(session);
			});
		ended.catch(reject);
	});
}

/**
 * @param {Transaction} tx
 * @param {string} sql
 * @param {AbortSignal} signal
 */
async function changed(tx, sql, signal) {
	const before = (await tx.get(CHANGES))?.n ?? 0;
	const statement = await tx.prepare(sql, { signal }).catch((error) => {
		// Several statements are a script.
		if (error.code === "ERR_INVALID_ARGUMENT") return undefined;
		throw error;
	});
	/** @type {string[]} */
	let columns = [];
	/** @type {unknown[][]} */
	let rows = [];
	if (statement === undefined) await tx.exec(sql, { signal });
	else if (statement.columns.length > 0) {
		columns = [...statement.columns];
		rows = await statement.all([], { ...ROWS, signal });
	} else await statement.run([], { signal });
	await statement?.finalize();
	const changes = ((await tx.get(CHANGES))?.n ?? 0) - before;
	const cells = toCells(rows.slice(0, SQL_ROWS));
	return { columns, rows: cells, isMore: cells.length < rows.length, changes };
}

/** @type {Record<string, Route>} */
const SQL_ROUTES = {
	"sql/run": {
		limitMs: ROUTE_MS,
		run: async (session, input, signal) => {
			const sql = textOf(input, "sql");
			const { offset = 0, moment } = input;
			const startedAt = performance.now();
			const tookMs = () => Math.round((performance.now() - startedAt) * 10) / 10;
			const found = await session.read(moment, async ({ sqlite }) => {
				const statement = await sqlite.prepare(sql, { signal }).catch((error) => {
					if (error.code === "ERR_INVALID_ARGUMENT" && session.canWrite) return undefined;
					throw error;
				});
				if (statement === undefined || !statement.readonly) return undefined;
				const columns = [...statement.columns];
				await statement.finalize();
				if (columns.length === 0) return undefined;
				return { columns, ...(await take(sqlite.iterate(sql, [], { ...ROWS, signal }), offset)) };
			});
			if (found !== undefined) return { ...found, tookMs: tookMs() };
			if (!session.canWrite || moment !== undefined) {
				throw new RootcellarError("ERR_READ_ONLY", "this statement writes, and what is shown is open to read only");
			}
			return { ...(await change(session, sql, signal)), tookMs: tookMs() };
		},
	},

	"sql/decide": {
		writes: true,
		run: async (session, input) => {
			const open = undecided.get(session);
			if (open === undefined || open.id !== input.transaction) {
				throw new RootcellarError("ERR_UNDECIDED", "it was rolled back, because nobody had decided in time");
			}
			open.decide(input.commits === true);
			await open.ended.catch((error) => {
				if (!(error instanceof RolledBack)) throw error;
			});
			return { isCommitted: input.commits === true };
		},
	},

	"sql/plan": {
		run: (session, input, signal) =>
			session.read(input.moment, async ({ sqlite }) => {
				const sql = `EXPLAIN QUERY PLAN ${textOf(input, "sql")}`;
				try {
					const rows = await sqlite.all(sql, [], { signal });
					return { steps: rows.map(({ id, parent, detail }) => ({ id, parent, detail })) };
				} catch (error) {
					const { position } = /** @type {{ position?: number }} */ (error);
					if (position !== undefined) Object.assign(/** @type {object} */ (error), { position: position - 19 });
					throw error;
				}
			}),
	},

	"sql/download": {
		run: async (session, input) => {
			const [sql, format] = [textOf(input, "sql"), textOf(input, "format")];
			const { moment } = input;
			const isCsv = format === "csv";
			const address = session.downloads.offer(async (response) => {
				const ended = new AbortController();
				response.on("close", () => ended.abort());
				const signal = AbortSignal.any([ended.signal, AbortSignal.timeout(LONG_ROUTE_MS)]);
				await session.read(moment, async ({ sqlite }) => {
					const { columns, finalize } = await sqlite.prepare(sql, { signal });
					const rows = /** @type {AsyncIterable<unknown[]>} */ (sqlite.iterate(sql, [], { ...ROWS, signal }));
					await finalize();
					response.writeHead(200, {
						...COMMON_HEADERS,
						"Content-Type": isCsv ? "text/csv; charset=utf-8" : "application/json; charset=utf-8",
						"Content-Disposition": `attachment; filename="result.${isCsv ? "csv" : "json"}"`,
					});
					response.write(isCsv ? toCsv(columns) : "[");
					let begin = "\n";
					for await (const row of rows) {
						const text = isCsv ? toCsv(row) : begin + toJsonRow(columns, row);
						begin = ",\n";
						if (!response.write(text)) await drained(response);
					}
					response.end(isCsv ? "" : "\n]\n");
				});
			});
			return { address };
		},
	},
};

module.exports = { SQL_ROUTES };
