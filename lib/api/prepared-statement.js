"use strict";

const { RootcellarError } = require("../base/errors.js");

/**
 * Statement of `prepare`. It is its text alone: every connection keeps the statements compiled that it has run lately.
 *
 * @param {any} methods
 * @param {string} sql
 * @param {import("../native/requests.js").Description} description
 */
function createStatement(methods, sql, { columns, isReadonly }) {
	let isFinalized = false;
	/** @param {"run" | "get" | "all"} name */
	const method = (name) => async (/** @type {any} */ params, /** @type {any} */ options) => {
		check();
		return methods[name](sql, params, options);
	};
	const check = () => {
		if (isFinalized) {
			throw new RootcellarError("ERR_STATEMENT_FINALIZED", "the statement was finalized; prepare it again");
		}
	};
	const finalize = async () => {
		isFinalized = true;
	};
	return {
		sql,
		columns,
		readonly: isReadonly,
		run: method("run"),
		get: method("get"),
		all: method("all"),
		async *iterate(/** @type {any} */ params, /** @type {any} */ options) {
			check();
			yield* methods.iterate(sql, params, options);
		},
		finalize,
		[Symbol.asyncDispose]: finalize,
	};
}

module.exports = { createStatement };
