"use strict";

const { invalidField, unknownName } = require("./problem.js");

/** Source of what a URL gives. */
const URL_FIELD = "pg.url";

const ENCODED =
	"what is no letter, digit, -, ., _ or ~ in a user or password has to be percent-encoded (@ as %40, / as %2F)";

/** PostgreSQL's form (libpq, "Connection URIs"): user and password, hosts, database, parameters. */
const FORM = /^postgres(?:ql)?:\/\/(?:([^@/?#]*)@)?([^/?#]*)(?:\/([^/?#]*))?(?:\?([^?#]*))?$/i;

/** That form, as a message shows it. */
const SHOWN_FORM = "postgres://<user>:<password>@<host>:<port>/<database>";

/** Known parameters, and the settings that they are. */
const PARAMETERS = new Map([
	["host", "host"],
	["port", "port"],
	["user", "username"],
	["password", "password"],
	["dbname", "name"],
	["sslmode", "sslmode"],
	["sslrootcert", "sslrootcert"],
	["target_session_attrs", "targetSessionAttrs"],
	["application_name", "applicationName"],
]);

/** Hints on common parameters that are unknown here. */
const HINTS = new Map([
	["connect_timeout", "pg.timeoutMs has the time for which an operation is tried"],
	["channel_binding", "leave it out: it is used where the server has it"],
	["pgbouncer", "leave it out: pgbouncer needs no setting"],
	["options", "set what it sets for the role or the database, with ALTER ROLE or ALTER DATABASE"],
	["schema", "set the search_path of the role or the database, with ALTER ROLE or ALTER DATABASE"],
	["ssl", "use sslmode"],
	["sslcert", "a client's certificate is not supported"],
	["sslkey", "a client's certificate is not supported"],
]);

/**
 * Settings that a URL gives, as texts.
 *
 * @typedef {Partial<Record<"host" | "port" | "username" | "password" | "name" | "sslmode" | "sslrootcert"
 *   | "targetSessionAttrs" | "applicationName", string>>} UrlSettings
 */

/**
 * @param {unknown} url
 * @returns {UrlSettings}
 */
function parseUrl(url) {
	if (typeof url !== "string") {
		throw invalidField("its pg.url is not a string");
	}
	const problem = problemWith(url);
	if (problem !== undefined) {
		throw invalidField(`its pg.url ${problem}`);
	}
	const match = FORM.exec(url);
	if (match === null) {
		throw invalidField(`its pg.url is not of the form ${SHOWN_FORM}; ${ENCODED}`);
	}
	const [, credentials, authority, database, query] = match;
	/** @type {UrlSettings} */
	const settings = {};
	const [user, password] = splitOnce(credentials ?? "", ":");
	if (password?.includes(":")) {
		throw invalidField(`its pg.url has a colon too many before the @; ${ENCODED}`);
	}
	const parts = { username: user, password, ...hostsOf(authority), name: database };
	for (const [name, text] of Object.entries(parts)) {
		if (text) settings[/** @type {keyof UrlSettings} */ (name)] = decode(text, `its pg.url has a ${name}`);
	}
	addParameters(settings, query ?? "");
	return settings;
}

/** @param {string} url */
function problemWith(url) {
	if (url === "") {
		return "is empty";
	}
	if (/[\s\p{Cc}]/u.test(url)) {
		return "has a space, a line break or another control character";
	}
	if (/^["'`\u2018-\u201f\u00ab\u00bb]/.test(url)) {
		return "is in quotes, which some programs keep as a part of the value";
	}
	if (/\$[{(]|(^|:\/\/)\$\w|^%\w+%|<[^<>]*>/.test(url)) {
		return "has a placeholder that nothing has replaced";
	}
	return /^postgres(ql)?:\/\//i.test(url) ? undefined : "does not begin with postgres://";
}

/**
 * Hosts and ports of a URL, each as a list with commas.
 *
 * @param {string} authority
 */
function hostsOf(authority) {
	if (authority.includes("@")) {
		throw invalidField(`its pg.url has an @ too many; ${ENCODED}`);
	}
	const pairs = authority.split(",").map((one) => {
		const match = /^(\[[^[\]]*:[^[\]]*\]|[^:[\]]*)(?::(\d*))?$/.exec(one);
		if (match === null) {
			throw invalidField(`its pg.url has a host or a port that is none; ${ENCODED}`);
		}
		const [, host, port = ""] = match;
		return { host: host.replace(/^\[|\]$/g, ""), port };
	});
	const [hosts, ports] = [pairs.map(({ host }) => host), pairs.map(({ port }) => port)];
	return { host: hosts.join(","), port: ports.some(Boolean) ? ports.join(",") : "" };
}

/**
 * @param {UrlSettings} settings
 * @param {string} query
 */
function addParameters(settings, query) {
	for (const parameter of query.split("&").filter(Boolean)) {
		const [name, text = ""] = splitOnce(parameter, "=");
		const setting = /** @type {keyof UrlSettings | undefined} */ (PARAMETERS.get(name));
		if (setting === undefined) {
			throw invalidField(`its pg.url has ${unknownName("parameter", "", name, [...PARAMETERS.keys()], HINTS)}`);
		}
		if (settings[setting] !== undefined) {
			throw invalidField(`its pg.url gives ${name} twice`);
		}
		settings[setting] = decode(text, `its pg.url has a parameter ${name}`);
	}
}

/**
 * @param {string} text
 * @param {string} what the beginning of the problem
 */
function decode(text, what) {
	try {
		return decodeURIComponent(text);
	} catch {
		throw invalidField(`${what} with a % that encodes nothing; write %25 for a % itself`);
	}
}

/**
 * The text before and behind the first separator; `undefined` behind it where there is none.
 *
 * @param {string} text
 * @param {string} separator
 * @returns {[before: string, behind: string | undefined]}
 */
function splitOnce(text, separator) {
	const at = text.indexOf(separator);
	return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}

module.exports = { URL_FIELD, parseUrl };
