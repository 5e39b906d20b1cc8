"use strict";

const { RootcellarError } = require("../../base/errors.js");

// Problems of a configuration of PostgreSQL. They name fields and variables, and never what these hold.

const EXPECTED =
	'{"databaseType":"pg","pg":{"host":"<host>","port":5432,"username":"<user>","password":"<password>","name":"<database>"}}' +
	' or {"databaseType":"pg","pg":{"url":"postgres://<user>:<password>@<host>:5432/<database>"}}';

/** Name of a field or of a URL's parameter that a message may show: what is longer, or is no name, may be a secret. */
const SHOWN_NAME = /^[a-z_][a-z0-9_.-]{0,39}$/i;

/** @param {string} problem */
function invalidField(problem) {
	return new RootcellarError("ERR_INVALID_CONFIG", `DATABASE_CONFIG cannot be used: ${problem}; expected ${EXPECTED}`);
}

/**
 * Error of a setting that a field, a part of a URL or a variable gives.
 *
 * @param {string} source as {@link Given} has it
 * @param {string} problem
 */
function invalidSetting(source, problem) {
	const ofVariable = `${source} cannot be used: it ${problem}`;
	return source.startsWith("PG")
		? new RootcellarError("ERR_INVALID_CONFIG", ofVariable)
		: invalidField(`its ${source} ${problem}`);
}

/**
 * The name of something unknown, for a message.
 *
 * @param {string} name
 * @param {string} kind what it is
 */
function shownName(name, kind) {
	return SHOWN_NAME.test(name) ? `the ${kind} ${name}` : `a ${kind} of a name that cannot be shown`;
}

module.exports = { invalidField, invalidSetting, shownName };
