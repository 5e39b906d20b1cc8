"use strict";

const {
	isAnyArrayBuffer,
	isBoxedPrimitive,
	isDate,
	isMap,
	isPromise,
	isRegExp,
	isSet,
	isUint8Array,
} = require("node:util/types");
const { invalidArgument } = require("../base/errors.js");
const { kindOf } = require("../base/json.js");
const { ROWS_MAX } = require("../base/limits.js");

/**
 * @typedef {import("../native/encode.js").RowOptions} RowOptions
 * @typedef {import("../native/encode.js").SqlValue} SqlValue
 * @typedef {import("../native/encode.js").Statement} Statement
 * @typedef {import("../native/encode.js").StatementUse} StatementUse
 */

/** @type {StatementUse} for its effect */
const RUN = { rows: false, firstOnly: false, mayLackRows: false, isInternal: false };

/** @type {StatementUse} for its rows */
const ALL = { ...RUN, rows: true };

/** @type {StatementUse} for its first row */
const FIRST = { ...ALL, firstOnly: true };

/** @type {StatementUse} for its rows, if it has any */
const ANY = { ...ALL, mayLackRows: true };

/** @type {SqlValue[]} */
const NO_VALUES = [];

/** @type {RowOptions} */
const USUAL = { maxRows: ROWS_MAX, bigint: false, arrays: false };

/** Statement whose arguments were checked. It has a constructor because many are in flight: see `WriteOperation`. */
class CheckedStatement {
	/**
	 * @param {string} sql
	 * @param {StatementUse} use
	 * @param {RowOptions} options
	 * @param {string[] | undefined} names
	 * @param {SqlValue[]} values
	 */
	constructor(sql, use, options, names, values) {
		this.sql = sql;
		this.use = use;
		this.options = options;
		this.names = names;
		this.values = values;
	}
}

const INTEGER_64_MIN = -(2n ** 63n);
const INTEGER_64_MAX = 2n ** 63n - 1n;

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
 * @param {StatementUse} use
 * @param {RowOptions} options
 * @param {string} [path] prefix of the arguments' names
 * @returns {Statement}
 */
function checkStatement(sql, params, use, options, path = "") {
	const checkedSql = checkSql(sql, `${path}sql`);
	const { names, values } = checkParameters(params, `${path}params`);
	return new CheckedStatement(checkedSql, use, options, names, values);
}

/**
 * @param {any} params
 * @param {string} argument
 * @returns {{ names: string[] | undefined, values: SqlValue[] }}
 */
function checkParameters(params, argument) {
	if (params === undefined) {
		return { names: undefined, values: NO_VALUES };
	}
	if (Array.isArray(params)) {
		const values = reading(argument, () => Array.from(params));
		return { names: undefined, values: values.map((value, index) => checkValue(value, `${argument}[${index}]`)) };
	}
	if (!namesParameters(params)) {
		return { names: undefined, values: [checkValue(params, argument)] };
	}
	const entries = reading(argument, () => Object.entries(params));
	return {
		names: entries.map(([name]) => name),
		values: entries.map(([name, value]) => checkValue(value, `${argument}.${name}`)),
	};
}

/** Objects that are values, or are taken for them, and whose properties are no parameters. */
const VALUES = [ArrayBuffer.isView, isAnyArrayBuffer, isBoxedPrimitive, isDate, isMap, isPromise, isRegExp, isSet];

/**
 * True if an argument names parameters, as opposed to being the value of one.
 *
 * @param {any} params
 */
function namesParameters(params) {
	return typeof params === "object" && params !== null && !VALUES.some((isIt) => isIt(params));
}

/**
 * @template T
 * @param {string} argument
 * @param {() => T} read
 * @returns {T}
 */
function reading(argument, read) {
	try {
		return read();
	} catch (error) {
		throw invalidArgument(argument, "cannot be read: a getter or proxy threw", error);
	}
}

/**
 * @param {unknown} value
 * @param {string} argument
 * @returns {SqlValue}
 */
function checkValue(value, argument) {
	switch (typeof value) {
		case "string":
			if (!value.isWellFormed()) {
				throw invalidArgument(argument, "must not have a lone surrogate, which cannot be stored");
			}
			return value;
		case "number":
			return checkNumber(value, argument);
		case "boolean":
			return value ? 1 : 0;
		case "bigint":
			if (value < INTEGER_64_MIN || value > INTEGER_64_MAX) {
				throw outOfRange(argument);
			}
			return value;
		default:
			return checkObject(value, argument);
	}
}

/**
 * @param {number} value
 * @param {string} argument
 * @returns {SqlValue}
 */
function checkNumber(value, argument) {
	if (Number.isNaN(value)) {
		throw invalidArgument(argument, "must not be NaN, which SQLite would store as NULL");
	}
	return value;
}

/**
 * @param {unknown} value
 * @param {string} argument
 * @returns {SqlValue}
 */
function checkObject(value, argument) {
	if (value === null) {
		return null;
	}
	if (isDate(value)) {
		const time = Date.prototype.getTime.call(value);
		if (Number.isNaN(time)) {
			throw invalidArgument(argument, "must not be an invalid Date");
		}
		return time;
	}
	if (isUint8Array(value)) {
		return copyBytes(value, argument);
	}
	const expected = "must be null, a string, a number, a bigint, a boolean, a Date or a Uint8Array";
	throw invalidArgument(argument, `${expected}, not ${kindOf(value)}`);
}

/**
 * A copy, because the caller may change the bytes, or hand over their buffer, in which case they are gone.
 *
 * @param {Uint8Array} bytes
 * @param {string} argument
 */
function copyBytes(bytes, argument) {
	try {
		return new Uint8Array(bytes);
	} catch (error) {
		throw invalidArgument(
			argument,
			"must be a Uint8Array whose bytes are there: its buffer was detached or cut",
			error,
		);
	}
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
	if (typeof bigint !== "boolean" && bigint !== "large") {
		throw invalidArgument("options.bigint", 'must be true, false or "large"');
	}
	if (rowMode !== "object" && rowMode !== "array") {
		throw invalidArgument("options.rowMode", 'must be "object" or "array"');
	}
	const arrays = rowMode === "array";
	return maxRows === USUAL.maxRows && !bigint && !arrays ? USUAL : { maxRows, bigint, arrays };
}

module.exports = { ALL, ANY, FIRST, RUN, checkRowOptions, checkSql, checkStatement };
