"use strict";

const { isDate, isUint8Array } = require("node:util/types");
const { invalidArgument, rejecter, toError } = require("../base/errors.js");
const { kindOf } = require("../base/json.js");
const { TIME_MS_MAX } = require("../base/limits.js");
const { queryIn } = require("../native/postgres/query.js");
const { createKeyValueStore } = require("./key-value-store.js");
const { createKv } = require("./kv/kv.js");
const { refusedMethods } = require("./not-on-postgres.js");

/**
 * @typedef {InstanceType<typeof import("../queue/queue.js").OperationQueue>} OperationQueue
 * @typedef {InstanceType<typeof import("../native/lease-connection.js").LeaseConnection>} LeaseConnection
 */

/** Kinds of the values of a column, as `Queried` in `src/engine/postgres/query.rs` has them. */
const TIMES = 1;
const BYTES = 2;

/**
 * Argument of the callback of a transaction on PostgreSQL. `index.d.ts` documents it.
 *
 * @param {OperationQueue} queue
 * @param {(queue: OperationQueue, callback: unknown, options: unknown) => Promise<any>} transaction
 */
function createPostgresTransaction(queue, transaction) {
	return {
		...refusedMethods,
		appData: createKeyValueStore(queue),
		kv: createKv(queue),
		query: (/** @type {unknown} */ text, /** @type {unknown} */ params) =>
			new Promise((resolve, reject) => {
				if (typeof text !== "string" || text.includes("\0")) {
					throw invalidArgument("text", `must be a string without NUL, not ${kindOf(text)}`);
				}
				if (!text.isWellFormed()) {
					throw invalidArgument("text", "must not have a lone surrogate");
				}
				const texts = textsOf(params);
				queue.checkWrite();
				const run = (/** @type {() => void} */ done) => {
					const lease = /** @type {LeaseConnection} */ (/** @type {unknown} */ (queue.connection.opened));
					queryIn(lease, text, texts, ({ error, rows, committed = 0 }) => {
						if (error || !rows) {
							rejecter(resolve, reject)(toError(error ?? { code: "ERR_INTERNAL", message: "there are no rows" }));
						} else {
							resolve({ rows: rowsOf(JSON.parse(rows.json)), rowCount: committed });
						}
						done();
					});
					return false;
				};
				queue.fence(run, rejecter(resolve, reject));
			}),
		transaction: (/** @type {unknown} */ callback, /** @type {unknown} */ options) =>
			transaction(queue, callback, options),
	};
}

/**
 * @param {unknown} params
 * @returns {(string | null)[]}
 */
function textsOf(params = []) {
	if (!Array.isArray(params)) {
		throw invalidArgument("params", `must be an array, not ${kindOf(params)}`);
	}
	// Holes, too, are looked at.
	return Array.from(params, (value, index) => textOf(value, `params[${index}]`));
}

/**
 * A parameter as text, of which the server finds out the type.
 *
 * @param {any} value
 * @param {string} argument
 * @returns {string | null}
 */
function textOf(value, argument) {
	const text = unchecked(value, argument);
	if (text?.includes("\0")) {
		throw invalidArgument(argument, "must have no NUL, which PostgreSQL does not store");
	}
	if (text?.isWellFormed() === false) {
		throw invalidArgument(argument, "must not have a lone surrogate, which cannot be stored");
	}
	return text;
}

/**
 * @param {any} value
 * @param {string} argument
 */
function unchecked(value, argument) {
	switch (typeof value) {
		case "string":
			return value;
		case "number":
		case "bigint":
		case "boolean":
			return String(value);
		case "object":
			break;
		default:
			throw invalidArgument(
				argument,
				`must be null, a boolean, number, bigint, string, Date, Uint8Array or JSON, not ${kindOf(value)}`,
			);
	}
	if (value === null) {
		return null;
	}
	if (isDate(value)) {
		const time = Date.prototype.getTime.call(value);
		if (!(Math.abs(time) <= TIME_MS_MAX)) {
			throw invalidArgument(argument, "must be a valid Date");
		}
		return timeText(value);
	}
	if (isUint8Array(value)) {
		return `\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("hex")}`;
	}
	try {
		return JSON.stringify(value) ?? null;
	} catch (error) {
		throw invalidArgument(argument, "cannot be written as JSON", error);
	}
}

/**
 * A time as PostgreSQL reads it, which has no signs before years, and no year 0.
 *
 * @param {Date} date
 */
function timeText(date) {
	const text = Date.prototype.toISOString.call(date);
	const year = Date.prototype.getUTCFullYear.call(date);
	if (year > 0) {
		return text.startsWith("+") ? text.slice(1) : text;
	}
	const behindYear = text.slice(text.startsWith("-") ? "-000000".length : "0000".length);
	return `${String(1 - year).padStart(4, "0")}${behindYear} BC`;
}

/**
 * @param {[columns: [name: string, kind: number][], rows: any[][]]} found
 */
function rowsOf([columns, rows]) {
	return rows.map((row) => Object.fromEntries(columns.map(([name, kind], at) => [name, toValue(row[at], kind)])));
}

/**
 * @param {any} value
 * @param {number} kind
 */
function toValue(value, kind) {
	if (value === null) {
		return null;
	}
	if (kind === TIMES) {
		return new Date(value);
	}
	return kind === BYTES ? new Uint8Array(Buffer.from(value, "hex")) : value;
}

module.exports = { createPostgresTransaction };
