"use strict";

const { RootcellarError } = require("../../base/errors.js");
const { decodeRows } = require("../../native/decode.js");
const { ALL, RUN, checkStatement } = require("../statement.js");

/**
 * @typedef {InstanceType<typeof import("../../queue/queue.js").OperationQueue>} OperationQueue
 */

/**
 * Foreign key violations: a description of each, and how often it occurs.
 *
 * @typedef {Map<string, number>} ReferenceProblems
 */

// The core carries these two out also within a transaction (`switch_foreign_keys` in `src/engine/sqlite/sql/execute.rs`).
const OFF = "PRAGMA foreign_keys = OFF";
const ON = "PRAGMA foreign_keys = ON";
const VIOLATIONS = 'SELECT "table", parent, count(*) FROM pragma_foreign_key_check GROUP BY 1, 2';
const VIOLATIONS_OF = 'SELECT "table", parent, count(*) FROM pragma_foreign_key_check(?) GROUP BY 1, 2';
const TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";

/**
 * Runs a statement of this package's own.
 *
 * @param {OperationQueue} queue
 * @param {string} sql
 * @param {unknown[]} [params]
 * @param {import("../../native/encode.js").StatementUse} [use]
 * @param {boolean} [arrays] whether rows are wanted as arrays
 * @returns {Promise<any[]>}
 */
function internal(queue, sql, params = [], use = RUN, arrays = false) {
	return new Promise((resolve, reject) => {
		const options = { maxRows: Number.MAX_SAFE_INTEGER, bigint: false, arrays };
		const statement = checkStatement(sql, params, { ...use, isInternal: true }, options);
		const job = { statements: [statement], script: undefined, cancel: undefined };
		queue.sql(job, { resolve: ([outcome]) => decodeRows(outcome.slices, resolve), reject });
	});
}

/**
 * Switches foreign keys on the writing connection, also within a transaction. They are on again when the lease ends.
 *
 * @param {OperationQueue} queue of a lease
 * @param {boolean} isOn
 */
async function switchForeignKeys(queue, isOn) {
	await internal(queue, isOn ? ON : OFF);
}

/**
 * @param {OperationQueue} queue of a lease
 * @returns {Promise<ReferenceProblems>}
 */
async function referenceProblems(queue) {
	const all = await violations(queue, VIOLATIONS, []);
	if (all !== undefined) {
		return all;
	}
	/** @type {ReferenceProblems} */
	const problems = new Map();
	for (const [table] of await internal(queue, TABLES, [], ALL, true)) {
		const found = await violations(queue, VIOLATIONS_OF, [table]);
		for (const [problem, count] of found ?? [[`a reference of "${table}" to columns that are not unique`, 1]]) {
			problems.set(problem, count);
		}
	}
	return problems;
}

/**
 * @param {OperationQueue} queue
 * @param {string} sql
 * @param {unknown[]} params
 * @returns {Promise<ReferenceProblems | undefined>} nothing if a reference leads to columns that are not unique: then
 *   SQLite checks none
 */
async function violations(queue, sql, params) {
	try {
		const rows = await internal(queue, sql, params, ALL, true);
		const problemOf = (/** @type {string} */ table, /** @type {string} */ parent) =>
			`rows in "${table}" that refer to rows missing in "${parent}"`;
		return new Map(rows.map(([table, parent, count]) => [problemOf(table, parent), count]));
	} catch (error) {
		if (error instanceof RootcellarError && error.message.includes("foreign key mismatch")) {
			return undefined;
		}
		throw error;
	}
}

/**
 * Refuses what has made references worse. What was wrong before stays as it is: a file may have been written without
 * foreign keys for years.
 *
 * @param {ReferenceProblems} before
 * @param {ReferenceProblems} after
 * @param {string} subject of the sentence
 */
function checkReferences(before, after, subject) {
	for (const [problem, count] of after) {
		if (count > (before.get(problem) ?? 0)) {
			throw new RootcellarError(
				"SQLITE_CONSTRAINT_FOREIGNKEY",
				`${subject} would leave ${problem}; nothing of it was applied`,
			);
		}
	}
}

module.exports = { checkReferences, internal, referenceProblems, switchForeignKeys };
