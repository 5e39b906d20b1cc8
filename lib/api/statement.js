"use strict";

const { isDate, isUint8Array } = require("node:util/types");
const { invalidArgument } = require("../base/errors.js");
const { kindOf } = require("../base/json.js");
const { ROWS_MAX } = require("../base/limits.js");

// The bits of a statement and the kinds of values; `src/node/batch.rs` is the other side.
const WANTS_ROWS = 1;
const ROWS_ARE_ARRAYS = 1 << 1;
const WANTS_BIGINTS = 1 << 2;
const FIRST_ONLY = 1 << 3;
const IS_NAMED = 1 << 4;
const MAY_LACK_ROWS = 1 << 5;
const IS_INTERNAL = 1 << 6;
const NULL = 0;
const INTEGER = 1;
const REAL = 2;
const TEXT = 3;
const BLOB = 4;
const BIG_INTEGER = 5;

const INTEGER_64_MIN = -(2n ** 63n);
const INTEGER_64_MAX = 2n ** 63n - 1n;

/**
 * A value as a parameter takes it, with its kind.
 *
 * @typedef {{ kind: number, number?: number, text?: string, bytes?: Uint8Array }} Value
 */

/**
 * A statement, checked, with values that nobody changes any more.
 *
 * @typedef {object} Statement
 * @property {string} sql
 * @property {number} bits
 * @property {number} maxRows
 * @property {string[] | undefined} names
 * @property {Value[]} values
 */

/**
 * How rows are wanted, as the methods' options have it.
 *
 * @typedef {{ maxRows: number, bigint: boolean, arrays: boolean }} RowOptions
 */

/**
 * @param {unknown} sql
 * @param {string} [argument]
 * @returns {string}
 */
function checkSql(sql, argument = "sql") {
	if (typeof sql !== "string") {
		throw invalidArgument(argument, `must be a string, not ${kindOf(sql)}`);
	}
	if (sql.includes("\0")) {
		throw invalidArgument(argument, "must not contain a NUL");
	}
	if (!sql.isWellFormed()) {
		throw invalidArgument(argument, "must not have a lone surrogate");
	}
	return sql;
}

/**
 * @param {unknown} sql
 * @param {unknown} params
 * @param {number} bits
 * @param {RowOptions} options
 * @param {string} [path] what the arguments' names begin with
 * @returns {Statement}
 */
function checkStatement(sql, params, bits, { maxRows, bigint, arrays }, path = "") {
	const checkedSql = checkSql(sql, `${path}sql`);
	const { names, values } = checkParameters(params, `${path}params`);
	const options = (bigint ? WANTS_BIGINTS : 0) | (arrays ? ROWS_ARE_ARRAYS : 0) | (names ? IS_NAMED : 0);
	return { sql: checkedSql, bits: bits | options, maxRows, names, values };
}

/**
 * @param {any} params
 * @param {string} argument
 * @returns {{ names: string[] | undefined, values: Value[] }}
 */
function checkParameters(params, argument) {
	if (params === undefined) {
		return { names: undefined, values: [] };
	}
	if (Array.isArray(params)) {
		return {
			names: undefined,
			values: Array.from(params, (value, index) => checkValue(value, `${argument}[${index}]`)),
		};
	}
	if (!isPlainObject(params)) {
		return { names: undefined, values: [checkValue(params, argument)] };
	}
	const entries = readEntries(params, argument);
	return {
		names: entries.map(([name]) => name),
		values: entries.map(([name, value]) => checkValue(value, `${argument}.${name}`)),
	};
}

/**
 * Whether something names parameters, as opposed to being the value of one.
 *
 * @param {any} params
 */
function isPlainObject(params) {
	return typeof params === "object" && params !== null && !isDate(params) && !ArrayBuffer.isView(params);
}

/**
 * @param {object} params
 * @param {string} argument
 */
function readEntries(params, argument) {
	try {
		return Object.entries(params);
	} catch (error) {
		throw invalidArgument(argument, "cannot be read: a getter or proxy threw", error);
	}
}

/**
 * @param {unknown} value
 * @param {string} argument
 * @returns {Value}
 */
function checkValue(value, argument) {
	switch (typeof value) {
		case "string":
			if (!value.isWellFormed()) {
				throw invalidArgument(argument, "must not have a lone surrogate, which cannot be stored");
			}
			return { kind: TEXT, text: value };
		case "number":
			return checkNumber(value, argument);
		case "boolean":
			return { kind: INTEGER, number: value ? 1 : 0 };
		case "bigint":
			if (value < INTEGER_64_MIN || value > INTEGER_64_MAX) {
				throw outOfRange(argument);
			}
			return { kind: BIG_INTEGER, text: String(value) };
		default:
			return checkObject(value, argument);
	}
}

/**
 * @param {number} value
 * @param {string} argument
 * @returns {Value}
 */
function checkNumber(value, argument) {
	if (Number.isNaN(value)) {
		throw invalidArgument(argument, "must not be NaN, which SQLite would store as NULL");
	}
	const isInteger = Number.isSafeInteger(value) && !Object.is(value, -0);
	return { kind: isInteger ? INTEGER : REAL, number: value };
}

/**
 * @param {unknown} value
 * @param {string} argument
 * @returns {Value}
 */
function checkObject(value, argument) {
	if (value === null) {
		return { kind: NULL };
	}
	if (isDate(value)) {
		const time = Date.prototype.getTime.call(value);
		if (Number.isNaN(time)) {
			throw invalidArgument(argument, "must not be an invalid Date");
		}
		return { kind: INTEGER, number: time };
	}
	if (isUint8Array(value)) {
		// A copy, for the caller may change it.
		return { kind: BLOB, bytes: Uint8Array.prototype.slice.call(value) };
	}
	const expected = "must be null, a string, a number, a bigint, a boolean, a Date or a Uint8Array";
	throw invalidArgument(argument, `${expected}, not ${kindOf(value)}`);
}

/**
 * @param {string} argument
 */
function outOfRange(argument) {
	const error = new RangeError(`${argument} must be a 64-bit integer`);
	return Object.assign(error, { code: "ERR_TOO_LARGE", argument });
}

/**
 * @param {any} options
 * @returns {RowOptions}
 */
function checkRowOptions({ maxRows = ROWS_MAX, bigint = false, rowMode = "object" }) {
	if (!Number.isSafeInteger(maxRows) || maxRows < 0) {
		throw invalidArgument("options.maxRows", "must be an integer that is not negative");
	}
	if (typeof bigint !== "boolean") {
		throw invalidArgument("options.bigint", `must be a boolean, not ${kindOf(bigint)}`);
	}
	if (rowMode !== "object" && rowMode !== "array") {
		throw invalidArgument("options.rowMode", 'must be "object" or "array"');
	}
	return { maxRows, bigint, arrays: rowMode === "array" };
}

/**
 * Appends a statement to a batch.
 *
 * @param {import("../native/addon").Batch} batch
 * @param {Statement} statement
 */
function pushStatement(batch, { sql, bits, maxRows, names, values }) {
	batch.texts.push(sql);
	batch.numbers.push(bits, maxRows, values.length);
	batch.length += sql.length;
	for (let index = 0; index < values.length; index++) {
		if (names !== undefined) {
			batch.texts.push(/** @type {string} */ (names[index]));
		}
		pushValue(batch, /** @type {Value} */ (values[index]));
	}
}

/**
 * @param {import("../native/addon").Batch} batch
 * @param {Value} value
 */
function pushValue(batch, { kind, number, text, bytes }) {
	batch.numbers.push(kind);
	if (number !== undefined) {
		batch.numbers.push(number);
	} else if (text !== undefined) {
		batch.texts.push(text);
		batch.length += text.length;
	} else if (bytes !== undefined) {
		batch.blobs.push(bytes);
		batch.length += bytes.length;
	}
}

/**
 * @param {Statement} statement
 * @returns {number} about how much it carries, in UTF-16 units
 */
function statementLength({ sql, values }) {
	return values.reduce((sum, { text, bytes }) => sum + (text?.length ?? bytes?.length ?? 1), sql.length);
}

module.exports = {
	FIRST_ONLY,
	IS_INTERNAL,
	MAY_LACK_ROWS,
	WANTS_ROWS,
	checkRowOptions,
	checkSql,
	checkStatement,
	pushStatement,
	statementLength,
};
