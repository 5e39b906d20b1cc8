"use strict";

const { kindOf } = require("../../base/json.js");
const { invalidField, invalidSetting, unknownName } = require("./problem.js");
const { URL_FIELD, parseUrl } = require("./url.js");

/**
 * A setting as a text, and who gave it: a field such as `pg.host`, or a variable.
 *
 * @typedef {{ text: string, source: string }} Given
 *
 * @typedef {"host" | "port" | "username" | "password" | "name" | "sslmode" | "sslrootcert" | "targetSessionAttrs"
 *   | "applicationName"} SettingName
 */

/**
 * Fields of `pg` that are texts; `port` may be a number.
 *
 * @type {SettingName[]}
 */
const TEXTS = ["host", "port", "username", "password", "name"];

const TLS = /** @type {const} */ (["sslmode", "sslrootcert"]);

const FIELDS = [...TEXTS, "url", "tls", "timeoutMs"];

/**
 * The variables that fill what is missing (libpq, "Environment Variables").
 *
 * @type {Record<SettingName, string>}
 */
const VARIABLES = {
	host: "PGHOST",
	port: "PGPORT",
	username: "PGUSER",
	password: "PGPASSWORD",
	name: "PGDATABASE",
	sslmode: "PGSSLMODE",
	sslrootcert: "PGSSLROOTCERT",
	targetSessionAttrs: "PGTARGETSESSIONATTRS",
	applicationName: "PGAPPNAME",
};

/** Hints on fields under the names that other programs give them, and on fields of SQLite. */
const HINTS = new Map([
	["user", "it is called username"],
	["database", "it is called name"],
	["dbname", "it is called name"],
	["ssl", "it is called tls"],
	["sslmode", "it belongs in pg.tls"],
	["sslrootcert", "it belongs in pg.tls"],
	["connectionString", "it is called url"],
	["filename", "it belongs to sqlite3"],
	["sqlite3", "it belongs to databaseType sqlite3"],
]);

/**
 * Every setting that the fields of `pg`, its URL or the environment give.
 *
 * @param {any} config the parsed `DATABASE_CONFIG`
 * @param {NodeJS.ProcessEnv} env
 * @returns {Partial<Record<SettingName, Given>>}
 */
function settingsOf(config, env) {
	refuseUnknown(config, ["databaseType", "pg"], "");
	const { pg = {} } = config;
	if (!isObject(pg)) {
		throw invalidField(`its pg is not an object, but ${kindOf(pg)}`);
	}
	refuseUnknown(pg, FIELDS, "pg.");
	const settings = { ...textsOf(pg), ...tlsOf(pg.tls) };
	if (pg.url !== undefined) {
		addUrl(settings, pg.url);
	}
	addVariables(settings, env);
	for (const given of Object.values(settings)) {
		if (given.text.includes("\0")) throw invalidSetting(given.source, "has a NUL");
	}
	return settings;
}

/**
 * @param {Record<string, unknown>} pg
 * @returns {Partial<Record<SettingName, Given>>}
 */
function textsOf(pg) {
	/** @type {Partial<Record<SettingName, Given>>} */
	const settings = {};
	for (const name of TEXTS) {
		const value = pg[name];
		const source = `pg.${name}`;
		const text = name === "port" && Number.isInteger(value) ? String(value) : value;
		// A password may be empty, and is none then.
		if (text === undefined || (text === "" && name === "password")) continue;
		if (typeof text !== "string") {
			throw invalidSetting(source, name === "port" ? "is not an integer from 1 to 65535" : "is not a string");
		}
		if (text === "") throw invalidSetting(source, "is empty");
		settings[name] = { text, source };
	}
	return settings;
}

/**
 * @param {any} tls
 * @returns {Partial<Record<SettingName, Given>>}
 */
function tlsOf(tls) {
	if (tls === undefined) {
		return {};
	}
	if (tls === false) {
		return { sslmode: { text: "disable", source: "pg.tls" } };
	}
	if (!isObject(tls)) {
		throw invalidField("its pg.tls is neither an object with sslmode and sslrootcert, nor false for none");
	}
	refuseUnknown(tls, [...TLS], "pg.tls.");
	/** @type {Partial<Record<SettingName, Given>>} */
	const settings = {};
	for (const name of TLS) {
		if (tls[name] === undefined) continue;
		const source = `pg.tls.${name}`;
		if (typeof tls[name] !== "string") throw invalidSetting(source, "is not a string");
		settings[name] = { text: tls[name], source };
	}
	return settings;
}

/**
 * @param {Partial<Record<SettingName, Given>>} settings
 * @param {unknown} url
 */
function addUrl(settings, url) {
	for (const [name, text] of Object.entries(parseUrl(url))) {
		const setting = /** @type {SettingName} */ (name);
		const other = settings[setting];
		if (other !== undefined) {
			throw invalidField(`its ${other.source} is given by its pg.url too; leave one of them out`);
		}
		settings[setting] = { text, source: URL_FIELD };
	}
}

/**
 * @param {Partial<Record<SettingName, Given>>} settings
 * @param {NodeJS.ProcessEnv} env
 */
function addVariables(settings, env) {
	for (const [name, variable] of Object.entries(VARIABLES)) {
		const setting = /** @type {SettingName} */ (name);
		const text = env[variable];
		if (text && settings[setting] === undefined) settings[setting] = { text, source: variable };
	}
}

/**
 * @param {object} object
 * @param {string[]} known
 * @param {string} path of the object
 */
function refuseUnknown(object, known, path) {
	const unknown = Object.keys(object).find((name) => !known.includes(name));
	if (unknown !== undefined) {
		throw invalidField(`it has ${unknownName("field", path, unknown, known, HINTS)}`);
	}
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
function isObject(value) {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

module.exports = { VARIABLES, settingsOf };
