"use strict";

const { RootcellarError, invalidArgument, toError } = require("../base/errors.js");
const { kindOf } = require("../base/json.js");
const { checkCancel, checkOptions } = require("./cancellation.js");
const { createCursor } = require("./cursor.js");
const { isRead } = require("../base/statement-kind.js");
const { decodeSlice } = require("../native/decode.js");
const { FIRST_ONLY, MAY_LACK_ROWS, WANTS_ROWS, checkRowOptions, checkSql, checkStatement } = require("./statement.js");
const { createStatement } = require("./prepared-statement.js");
const { decodeRows } = require("../queue/sql-job.js");

/**
 * @typedef {InstanceType<typeof import("../queue/queue.js").OperationQueue>} OperationQueue
 * @typedef {InstanceType<typeof import("./cancellation.js").Cancel>} Cancel
 * @typedef {import("./statement.js").Statement} Statement
 * @typedef {import("../queue/sql-job.js").Outcome} Outcome
 * @typedef {import("../queue/writes.js").Promised} Promised
 */

/**
 * The methods of `dataStore.sqlite` that a transaction and a reserved connection have, too. `index.d.ts` documents
 * them.
 *
 * An argument that cannot be used throws within the promise's executor, which rejects the promise.
 *
 * @param {OperationQueue} queue
 */
function createSqlite(queue) {
	/**
	 * @param {any} sql
	 * @param {any} params
	 * @param {any} options
	 * @param {number} bits
	 * @param {(rows: any[]) => any} made what is made of the rows
	 * @returns {Promise<any>}
	 */
	const query = (sql, params, options, bits, made) =>
		new Promise((resolve, reject) => {
			const given = checkOptions(options);
			const statement = checkStatement(sql, params, bits | WANTS_ROWS, checkRowOptions(given));
			const cancel = checkCancel(given);
			const promised = cancellable(queue, cancel, { resolve, reject });
			if (!isRead(statement.sql)) {
				const ended = (/** @type {Outcome[]} */ [outcome]) =>
					decodeRows(outcome?.slices ?? [], (rows) => promised.resolve(made(rows)));
				issue(promised, () =>
					queue.sql(
						{ statements: [statement], script: undefined, cancel },
						{ resolve: settled(ended, promised.reject), reject: promised.reject },
					),
				);
				return;
			}
			/** @type {any[]} */
			const rows = [];
			const slice = (/** @type {import("../native/addon").RowSlice} */ part, /** @type {boolean} */ last) => {
				const more = decodeSlice(part);
				if (last && rows.length === 0) {
					promised.resolve(made(more));
					return;
				}
				rows.push(...more);
				if (last) {
					promised.resolve(made(rows));
				}
			};
			issue(promised, () => queue.readSql({ statement, cancel, slice, reject: promised.reject }));
		});

	/** @type {any} */
	const methods = {
		run: (/** @type {any} */ sql, /** @type {any} */ params, /** @type {any} */ options) =>
			new Promise((resolve, reject) => {
				const given = checkOptions(options);
				const rowOptions = checkRowOptions(given);
				const statement = checkStatement(sql, params, 0, rowOptions);
				const cancel = checkCancel(given);
				const promised = cancellable(queue, cancel, { resolve, reject });
				issue(promised, () =>
					queue.sql(
						{ statements: [statement], script: undefined, cancel },
						{ resolve: ([outcome]) => promised.resolve(runResult(outcome, rowOptions)), reject: promised.reject },
					),
				);
			}),

		get: (/** @type {any} */ sql, /** @type {any} */ params, /** @type {any} */ options) =>
			query(sql, params, options, FIRST_ONLY, (rows) => rows[0]),

		all: (/** @type {any} */ sql, /** @type {any} */ params, /** @type {any} */ options) =>
			query(sql, params, options, 0, (rows) => rows),

		sql: (/** @type {any} */ strings, /** @type {any[]} */ ...values) =>
			Array.isArray(strings) && "raw" in strings
				? query(strings.join("?"), values, undefined, MAY_LACK_ROWS, (rows) => rows)
				: Promise.reject(invalidArgument("strings", "must be a template: sql`select ...`")),

		exec: (/** @type {any} */ script, /** @type {any} */ options) =>
			new Promise((resolve, reject) => {
				const checked = checkSql(script, "script");
				const cancel = checkCancel(checkOptions(options));
				const promised = cancellable(queue, cancel, { resolve: () => resolve(undefined), reject });
				issue(promised, () => queue.sql({ statements: [], script: checked, cancel }, promised));
			}),

		iterate: (/** @type {any} */ sql, /** @type {any} */ params, /** @type {any} */ options) =>
			createCursor(queue, () => {
				const given = checkOptions(options);
				const { bigint, arrays } = checkRowOptions(given);
				const rowOptions = { maxRows: Number.MAX_SAFE_INTEGER, bigint, arrays };
				const statement = checkStatement(sql, params, WANTS_ROWS, rowOptions);
				return { statement, cancel: checkCancel(given) };
			}),

		batch: (/** @type {any} */ statements, /** @type {any} */ options) =>
			new Promise((resolve, reject) => {
				const given = checkOptions(options);
				const rowOptions = checkRowOptions(given);
				const checked = checkStatements(statements, rowOptions);
				const cancel = checkCancel(given);
				const promised = cancellable(queue, cancel, { resolve, reject });
				if (checked.length === 0) {
					promised.resolve([]);
					return;
				}
				const ended = (/** @type {Outcome[]} */ outcomes) =>
					batchResults(outcomes, rowOptions).then(promised.resolve, promised.reject);
				issue(promised, () =>
					queue.sql({ statements: checked, script: undefined, cancel }, { resolve: ended, reject: promised.reject }),
				);
			}),

		prepare: (/** @type {any} */ sql, /** @type {any} */ options) =>
			new Promise((resolve, reject) => {
				const checked = checkSql(sql);
				const cancel = checkCancel(checkOptions(options));
				const promised = cancellable(queue, cancel, { resolve, reject });
				const described = (/** @type {import("../native/addon").Event} */ { kind, description, error }) => {
					if (description) {
						promised.resolve(createStatement(methods, checked, description));
					} else {
						promised.reject(error ? toError(error) : new RootcellarError("ERR_INTERNAL", "nothing is described"));
					}
					return kind !== "started";
				};
				issue(promised, () =>
					queue.snapshot((started) => {
						const connection = queue.connection.opened;
						const handler = (/** @type {import("../native/addon").Event} */ event) => {
							if (event.kind === "started") {
								started();
								return false;
							}
							return described(event);
						};
						return connection.native.describeSql(connection.expect(handler), connection.lease, checked);
					}, promised.reject),
				);
			}),
	};
	return methods;
}

/**
 * @param {unknown} statements
 * @param {import("./statement.js").RowOptions} options
 * @returns {Statement[]}
 */
function checkStatements(statements, options) {
	if (!Array.isArray(statements)) {
		throw invalidArgument("statements", `must be an array of { sql, params }, not ${kindOf(statements)}`);
	}
	return Array.from(statements, (statement, index) => {
		if (typeof statement !== "object" || statement === null) {
			throw invalidArgument(`statements[${index}]`, `must be { sql, params }, not ${kindOf(statement)}`);
		}
		const { sql, params } = statement;
		return checkStatement(sql, params, WANTS_ROWS | MAY_LACK_ROWS, options, `statements[${index}].`);
	});
}

/**
 * @param {Outcome} outcome
 * @param {{ bigint: boolean }} options
 */
function runResult({ changes, lastInsertRowid }, { bigint }) {
	const rowid = bigint ? BigInt(lastInsertRowid) : lastInsertRowid;
	return { changes, lastInsertRowid: rowid, lastID: typeof lastInsertRowid === "bigint" ? NaN : lastInsertRowid };
}

/**
 * @param {Outcome[]} outcomes
 * @param {{ bigint: boolean }} options
 */
async function batchResults(outcomes, options) {
	const results = [];
	for (const outcome of outcomes) {
		/** @type {any[]} */
		const rows = await new Promise((resolve) => decodeRows(outcome.slices, resolve));
		results.push({ ...runResult(outcome, options), columns: outcome.columns, rows });
	}
	return results;
}

/**
 * Lets an operation be cancelled: at once if it has not been started, otherwise when the core has stopped it.
 *
 * @param {OperationQueue} queue
 * @param {Cancel | undefined} cancel
 * @param {Promised} promised
 * @returns {Promised}
 */
function cancellable(queue, cancel, promised) {
	if (cancel === undefined) {
		return promised;
	}
	const native = () => queue.connection.current?.native;
	const done = () => {
		cancel.done();
		native()?.forgetCancel(cancel.number);
	};
	const reject = (/** @type {any} */ error) => {
		done();
		const isCancelled = error?.code === "ABORT_ERR" || error?.code === "ERR_TIMEOUT";
		promised.reject(isCancelled ? (cancel.error ?? error) : error);
	};
	cancel.whenCancelled = (error, timedOut) => {
		if (native()?.cancel(cancel.number, timedOut) ?? true) {
			reject(error);
		}
	};
	return {
		resolve: (value) => {
			done();
			promised.resolve(value);
		},
		reject,
	};
}

/**
 * Issues an operation; if the queue refuses it, nothing is left to cancel.
 *
 * @param {Promised} promised
 * @param {() => void} issueIt
 */
function issue(promised, issueIt) {
	try {
		issueIt();
	} catch (error) {
		promised.reject(error);
	}
}

/**
 * A callback whose failure rejects.
 *
 * @param {(value: any) => void} callback
 * @param {(error: unknown) => void} reject
 * @returns {(value: any) => void}
 */
function settled(callback, reject) {
	return (value) => {
		try {
			callback(value);
		} catch (error) {
			reject(error);
		}
	};
}

module.exports = { createSqlite };
