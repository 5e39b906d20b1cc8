"use strict";

const { checkOptionsObject } = require("../base/arguments.js");
const { invalidArgument } = require("../base/errors.js");
const { kindOf } = require("../base/json.js");
const { dataStore: dataStoreOfProcess } = require("../data-store.js");

/**
 * @typedef {import("../..").DataStore} DataStore
 */

/** Names under which other libraries, or this package before, take what an adapter works on. */
const OTHER_NAMES = /^(?:client|connection|database|db|sqlite|storage|(?:data|key.?value)?_?store)$/i;

/** Forms of integers beyond 2^53 - 1; `checkRowOptions` says what they mean. */
const BIGINT_FORMS = [true, false, "large"];

/**
 * True for what `openDataStore` returns.
 *
 * @param {any} value
 * @returns {value is DataStore}
 */
function isStore(value) {
	return typeof value?.sqlite?.reserve === "function" && typeof value.appData?.get === "function";
}

/**
 * Options of an adapter, none of them unknown: with a mistyped name the process-wide store would be used, which was not
 * meant.
 *
 * @param {any} options
 * @param {string} argument
 * @param {string[]} names besides `dataStore`
 * @returns {any} the options, with the store that they name, or else the process-wide one
 */
function checkAdapterOptions(options, argument, names) {
	if (typeof options !== "object" || options === null) {
		throw invalidArgument(argument, `must be an object, not ${kindOf(options)}`);
	}
	if (isStore(options)) {
		throw invalidArgument(argument, "must be an object of options: give the store as { dataStore: store }");
	}
	for (const name of Object.keys(options)) {
		if (name !== "dataStore" && !names.includes(name) && OTHER_NAMES.test(name)) {
			throw invalidArgument(`${argument}.${name}`, "is no option here: the store is given as dataStore");
		}
	}
	checkOptionsObject(options, ["dataStore", ...names], argument);
	const { dataStore = dataStoreOfProcess } = options;
	if (!isStore(dataStore)) {
		throw invalidArgument(
			`${argument}.dataStore`,
			`must be a store, as dataStore or openDataStore() are, not ${kindOf(dataStore)}`,
		);
	}
	return { ...options, dataStore };
}

/**
 * Form of large integers that a query builder is asked for. Without one, a large id would make every row that has it
 * unreadable, because a query builder has no place for options of a query.
 *
 * @param {any} bigint
 * @param {string} argument
 * @returns {boolean | "large"}
 */
function checkBigint(bigint = "large", argument) {
	if (!BIGINT_FORMS.includes(bigint)) {
		throw invalidArgument(argument, 'must be true, false or "large"');
	}
	return bigint;
}

module.exports = { checkAdapterOptions, checkBigint, isStore };
