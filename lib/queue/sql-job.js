"use strict";

// Not the global, which a test may have faked.
const { setImmediate } = require("node:timers");
const { decodeSlice } = require("../native/decode.js");
const { statementLength } = require("../api/statement.js");

/**
 * Statements that take effect together, or a script.
 *
 * @typedef {object} Job
 * @property {import("../api/statement.js").Statement[]} statements
 * @property {string | undefined} script
 * @property {InstanceType<typeof import("../api/cancellation.js").Cancel> | undefined} cancel
 */

/**
 * What a statement did.
 *
 * @typedef {{ changes: number, lastInsertRowid: number | bigint, columns: string[], slices: import("../native/addon").RowSlice[] }} Outcome
 */

/**
 * @param {Job} job
 * @returns {number} about how much it carries, in UTF-16 units
 */
function jobLength({ statements, script = "" }) {
	return statements.reduce((sum, statement) => sum + statementLength(statement), script.length);
}

/**
 * What the statements of a batch did, one after the other.
 *
 * @param {Pick<import("../native/addon").Event, "changes" | "results">} event
 */
function outcomesOf({ changes = "[]", results = [] }) {
	/** @type {(number | string)[]} */
	const numbers = JSON.parse(changes);
	let [statement, result] = [0, 0];
	return {
		/**
		 * What the next statement did.
		 *
		 * @param {boolean} hasRows
		 * @returns {Outcome}
		 */
		next(hasRows) {
			const [changed, rowid] = numbers.slice(2 * statement, 2 * statement + 2);
			statement++;
			const rows = hasRows ? results[result++] : undefined;
			return {
				changes: Number(changed),
				lastInsertRowid: typeof rowid === "string" ? BigInt(rowid) : Number(rowid),
				columns: rows?.columns ?? [],
				slices: rows?.slices ?? [],
			};
		},
	};
}

/**
 * Calls back with the rows of a whole result; between slices the event loop has its turn.
 *
 * @param {import("../native/addon").RowSlice[]} slices
 * @param {(rows: any[]) => void} callback
 */
function decodeRows(slices, callback) {
	/** @type {any[]} */
	const rows = [];
	const decodeFrom = (/** @type {number} */ index) => {
		const slice = slices[index];
		if (slice) {
			rows.push(...decodeSlice(slice));
		}
		if (index + 1 < slices.length) {
			setImmediate(decodeFrom, index + 1);
		} else {
			callback(rows);
		}
	};
	decodeFrom(0);
}

module.exports = { decodeRows, jobLength, outcomesOf };
