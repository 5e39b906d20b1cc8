"use strict";

const { RootcellarError } = require("../../base/errors.js");

// Problems of a configuration of PostgreSQL. They name fields and variables, and never what these hold.

const EXPECTED =
	'{"databaseType":"pg","pg":{"host":"<host>","port":5432,"username":"<user>","password":"<password>","name":"<database>"}}' +
	' or {"databaseType":"pg","pg":{"url":"postgres://<user>:<password>@<host>:5432/<database>"}}';

/** Name of a field or of a URL's parameter that a message may show: what is longer, or holds more than words, may be a secret. */
const SHOWN_NAME = /^[a-z_-]{1,40}$/i;

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
 * Error of a setting whose text cannot be used. A URL gives several settings, so that it has the one that is meant.
 *
 * @param {{ source: string }} given
 * @param {string} inUrl the setting there, with its article
 * @param {string} problem
 */
function invalidText({ source }, inUrl, problem) {
	return invalidSetting(source, source === "pg.url" ? `has ${inUrl} that ${problem}` : problem);
}

/**
 * Message about a field or a parameter that is unknown here.
 *
 * @param {"field" | "parameter"} kind
 * @param {string} path of the object that has it, or ""
 * @param {string} name
 * @param {string[]} known names
 * @param {Map<string, string>} hints on names that are known elsewhere
 */
function unknownName(kind, path, name, known, hints) {
	const hint = hints.get(name);
	const isShown = hint !== undefined || SHOWN_NAME.test(name);
	const shown = isShown ? `the ${kind} ${path}${name}` : `a ${kind} of a name that cannot be shown`;
	return `${shown}, which is unknown here; ${hint ?? `known are ${known.join(", ")}`}`;
}

module.exports = { EXPECTED, invalidField, invalidSetting, invalidText, unknownName };
