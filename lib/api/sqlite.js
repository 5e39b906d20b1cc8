"use strict";

const { invalidArgument, rejecter } = require("../base/errors.js");
const { kindOf } = require("../base/json.js");
const { isRead } = require("../base/statement-kind.js");
const { decodeRows, decodeSlice } = require("../native/decode.js");
const { SqlJob } = require("../native/encode.js");
const { SqlRead } = require("../native/requests.js");
const { Promised } = require("../queue/writes.js");
const { CANCEL_OPTIONS, checkCancel, checkOptions } = require("./cancellation.js");
const { createCursor } = require("./cursor.js");
const { createStatement } = require("./prepared-statement.js");
const { ALL, ANY, FIRST, RUN, checkRowOptions, checkSql, checkStatement } = require("./statement.js");

/**
 * @typedef {InstanceType<typeof import("../queue/queue.js").OperationQueue>} OperationQueue
 * @typedef {InstanceType<typeof import("./cancellation.js").Cancellation>} Cancellation
 * @typedef {import("../native/addon").RowSlice} RowSlice
 * @typedef {import("../native/decode.js").Outcome} Outcome
 * @typedef {import("../native/encode.js").RowOptions} RowOptions
 * @typedef {import("../native/encode.js").Statement} Statement
 */

/** Expectation of {@link isWholeTemplate}. */
const TEMPLATE_EXPECTED =
	"must be a template, sql`select ...`, without escapes that JavaScript does not know: \\\\ stands for a backslash";

/** The options of a statement. */
const ROW_OPTIONS = [...CANCEL_OPTIONS, "maxRows", "bigint", "rowMode"];

/**
 * The methods of `dataStore.sqlite` that a transaction and a reserved connection have, too. `index.d.ts` documents
 * them.
 *
 * @param {OperationQueue} queue
 */
function createSqlite(queue) {
	/**
	 * Issues an operation. An argument that cannot be used, or a queue that refuses it, throws within the promise's
	 * executor, which rejects the promise.
	 *
	 * @template T
	 * @param {any} options
	 * @param {(options: any) => T} check checks the other arguments, and options of their own
	 * @param {(checked: T, cancel: Cancellation | undefined, promised: InstanceType<typeof Promised>) => void} issue
	 * @param {string[]} names of the options
	 * @returns {Promise<any>}
	 */
	const operation = (options, check, issue, names = ROW_OPTIONS) =>
		new Promise((resolve, reject) => {
			const given = checkOptions(options, names);
			const checked = check(given);
			const cancel = checkCancel(given);
			const promised = cancellable(queue, cancel, new Promised(resolve, rejecter(resolve, reject)));
			try {
				issue(checked, cancel, promised);
			} catch (error) {
				promised.reject(error);
			}
		});

	/**
	 * Sends statements to the writer.
	 *
	 * @param {InstanceType<typeof SqlJob>} job
	 * @param {InstanceType<typeof Promised>} promised
	 * @param {(outcomes: Outcome[]) => void} ended
	 */
	const write = (job, { reject }, ended) => queue.sql(job, new Promised(caught(ended, reject), reject));

	/**
	 * @param {Statement} statement
	 * @param {Cancellation | undefined} cancel
	 * @param {InstanceType<typeof Promised>} promised
	 * @param {(rows: any[]) => void} ended
	 */
	const read = (statement, cancel, { reject }, ended) => {
		/** @type {any[] | undefined} */
		let rows;
		const slice = (/** @type {RowSlice} */ part, /** @type {boolean} */ last) => {
			const more = decodeSlice(part);
			if (rows === undefined) {
				rows = more;
			} else {
				rows.push(...more);
			}
			if (last) {
				ended(rows);
			}
		};
		queue.readSql(new SqlRead(statement, cancel, slice, reject));
	};

	/**
	 * @param {any} sql
	 * @param {any} params
	 * @param {any} options
	 * @param {import("../native/encode.js").StatementUse} use
	 * @param {(rows: any[]) => any} toResult
	 * @returns {Promise<any>}
	 */
	const query = (sql, params, options, use, toResult) =>
		operation(
			options,
			(given) => checkStatement(sql, params, use, checkRowOptions(given)),
			(statement, cancel, promised) => {
				const ended = (/** @type {any[]} */ rows) => promised.resolve(toResult(rows));
				if (isRead(statement.sql)) {
					read(statement, cancel, promised, ended);
				} else {
					write(jobOf(statement, cancel), promised, ([outcome]) => decodeRows(outcome?.slices ?? [], ended));
				}
			},
		);

	/** @type {any} */
	const methods = {
		run: (/** @type {any} */ sql, /** @type {any} */ params, /** @type {any} */ options) =>
			operation(
				options,
				(given) => checkStatement(sql, params, RUN, checkRowOptions(given)),
				(statement, cancel, promised) =>
					write(jobOf(statement, cancel), promised, ([outcome]) =>
						promised.resolve(toRunResult(/** @type {Outcome} */ (outcome), statement.options)),
					),
			),

		get: (/** @type {any} */ sql, /** @type {any} */ params, /** @type {any} */ options) =>
			query(sql, params, options, FIRST, (rows) => rows[0]),

		all: (/** @type {any} */ sql, /** @type {any} */ params, /** @type {any} */ options) =>
			query(sql, params, options, ALL, (rows) => rows),

		sql: (/** @type {any} */ strings, /** @type {any[]} */ ...values) =>
			isWholeTemplate(strings)
				? query(strings.join("?"), values, undefined, ANY, (rows) => rows)
				: Promise.reject(invalidArgument("strings", TEMPLATE_EXPECTED)),

		exec: (/** @type {any} */ script, /** @type {any} */ options) =>
			operation(
				options,
				() => checkSql(script, "script"),
				(checked, cancel, promised) =>
					write(new SqlJob([], checked, cancel), promised, () => promised.resolve(undefined)),
				CANCEL_OPTIONS,
			),

		iterate: (/** @type {any} */ sql, /** @type {any} */ params, /** @type {any} */ options) =>
			createCursor(queue, () => {
				const given = checkOptions(options, ROW_OPTIONS);
				const rowOptions = { ...checkRowOptions(given), maxRows: Number.MAX_SAFE_INTEGER };
				return { statement: checkStatement(sql, params, ALL, rowOptions), cancel: checkCancel(given) };
			}),

		batch: (/** @type {any} */ statements, /** @type {any} */ options) =>
			operation(
				options,
				(given) => checkStatements(statements, checkRowOptions(given)),
				(checked, cancel, promised) => {
					const [first] = checked;
					if (first === undefined) {
						queue.checkOpen();
						promised.resolve([]);
						return;
					}
					const reject = (/** @type {any} */ error) => promised.reject(checked.length === 1 ? inFirst(error) : error);
					write(new SqlJob(checked, undefined, cancel), new Promised(promised.resolve, reject), (outcomes) => {
						toBatchResults(outcomes, first.options).then(promised.resolve, promised.reject);
					});
				},
			),

		prepare: (/** @type {any} */ sql, /** @type {any} */ options) =>
			operation(
				options,
				() => checkSql(sql),
				(checked, _cancel, { resolve, reject }) => {
					const described = (/** @type {import("../native/requests.js").Description} */ description) =>
						resolve(createStatement(methods, checked, description));
					queue.snapshot(
						(started) => queue.connection.opened.describe(checked, { resolve: described, reject }, started),
						reject,
					);
				},
				CANCEL_OPTIONS,
			),
	};
	return methods;
}

/**
 * True for the strings of a template. Of one with an escape that JavaScript does not know, such as `\u` before a name, a
 * part is `undefined`, and would be missing from the statement.
 *
 * @param {any} strings
 * @returns {strings is string[]}
 */
function isWholeTemplate(strings) {
	return Array.isArray(strings) && "raw" in strings && !strings.includes(undefined);
}

/**
 * Job of one statement.
 *
 * @param {Statement} statement
 * @param {Cancellation | undefined} cancel
 */
function jobOf(statement, cancel) {
	return new SqlJob(Array.of(statement), undefined, cancel);
}

/**
 * @param {unknown} statements
 * @param {RowOptions} options
 * @returns {Statement[]}
 */
function checkStatements(statements, options) {
	if (!Array.isArray(statements)) {
		throw invalidArgument("statements", `must be an array of { sql, params }, not ${kindOf(statements)}`);
	}
	return Array.from(statements, (statement, index) => {
		try {
			if (typeof statement !== "object" || statement === null) {
				throw invalidArgument(`statements[${index}]`, `must be { sql, params }, not ${kindOf(statement)}`);
			}
			const { sql, params } = statement;
			return checkStatement(sql, params, ANY, options, `statements[${index}].`);
		} catch (error) {
			throw Object.assign(/** @type {Error} */ (error), { statementIndex: index });
		}
	});
}

/**
 * The error of a batch of one statement, which the core takes for a single one.
 *
 * @param {any} error
 */
function inFirst(error) {
	return typeof error?.code === "string" && error.cause === undefined
		? Object.assign(error, { statementIndex: 0 })
		: error;
}

/**
 * @param {Outcome} outcome
 * @param {RowOptions} options
 */
function toRunResult({ changes, lastInsertRowid }, { bigint }) {
	const rowid = bigint === true ? BigInt(lastInsertRowid) : lastInsertRowid;
	return { changes, lastInsertRowid: rowid, lastID: typeof lastInsertRowid === "bigint" ? NaN : lastInsertRowid };
}

/**
 * @param {Outcome[]} outcomes
 * @param {RowOptions} options
 */
async function toBatchResults(outcomes, options) {
	const results = [];
	for (const outcome of outcomes) {
		/** @type {any[]} */
		const rows = await new Promise((resolve) => decodeRows(outcome.slices, resolve));
		results.push({ ...toRunResult(outcome, options), columns: outcome.columns, rows });
	}
	return results;
}

/**
 * Lets an operation be cancelled: at once if it has not been started, otherwise when the core has stopped it.
 *
 * @param {OperationQueue} queue
 * @param {Cancellation | undefined} cancel
 * @param {InstanceType<typeof Promised>} promised
 * @returns {InstanceType<typeof Promised>}
 */
function cancellable(queue, cancel, promised) {
	if (cancel === undefined) {
		return promised;
	}
	const done = () => {
		cancel.done();
		queue.connection.current?.forgetCancel(cancel);
	};
	const reject = (/** @type {any} */ error) => {
		done();
		const isCancelled = error?.code === "ABORT_ERR" || error?.code === "ERR_TIMEOUT";
		promised.reject(isCancelled ? (cancel.error ?? error) : error);
	};
	cancel.whenCancelled = (error, timedOut) => {
		if (queue.connection.current?.cancel(cancel, timedOut) ?? true) {
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
 * A callback whose failure rejects.
 *
 * @template T
 * @param {(value: T) => void} callback
 * @param {(error: unknown) => void} reject
 * @returns {(value: T) => void}
 */
function caught(callback, reject) {
	return (value) => {
		try {
			callback(value);
		} catch (error) {
			reject(error);
		}
	};
}

module.exports = { createSqlite };
