"use strict";

const path = require("node:path");
const { DURATION_MS_MAX, POSTGRES_TIMEOUT_MS } = require("../../base/limits.js");
const { workingDirectory } = require("../../base/working-directory.js");
const { absolutePath } = require("../paths.js");
const { distanceOf, hostsOf } = require("./hosts.js");
const { invalidField, invalidSetting, invalidText } = require("./problem.js");
const { VARIABLES, settingsOf } = require("./settings.js");

/**
 * @typedef {import("./settings.js").Given} Given
 * @typedef {import("./hosts.js").Host} Host
 * @typedef {"disable" | "prefer" | "require" | "verify-ca" | "verify-full"} TlsMode
 */

/**
 * Configuration of a database on PostgreSQL, checked.
 *
 * @typedef {object} PostgresConfig
 * @property {Host[]} hosts one at least
 * @property {string} user
 * @property {string | undefined} password
 * @property {string} database
 * @property {{ mode: TlsMode, rootCert?: string }} tls with the absolute path of trusted certificates
 * @property {"any" | "read-write"} targetSessionAttrs
 * @property {number} timeoutMs
 * @property {string} applicationName
 * @property {Record<"hosts" | "user" | "password" | "database" | "tls" | "rootCert", string>} sources who configured what
 * @property {{ host: string, port: number, username: string, password: string, name: string }} sdk as the SDK has it
 */

const HOST_DEFAULT = "localhost";
const APPLICATION_NAME_DEFAULT = "rootcellar";

/** Source of what nobody has configured. */
const DEFAULT = "the default";

/** @type {readonly string[]} */
const MODES = ["disable", "prefer", "require", "verify-ca", "verify-full"];

/** Roles that a server can be required to have, in PostgreSQL's words (libpq, `target_session_attrs`). */
const ROLES = new Map([
	["any", /** @type {const} */ ("any")],
	["read-write", /** @type {const} */ ("read-write")],
	["primary", /** @type {const} */ ("read-write")],
]);

/**
 * The database that `DATABASE_CONFIG` and the variables of PostgreSQL name.
 *
 * @param {any} config the parsed `DATABASE_CONFIG`
 * @param {NodeJS.ProcessEnv} env
 * @param {string} [folder] what a relative path starts from: the working directory by default
 * @returns {PostgresConfig}
 */
function postgresFrom(config, env, folder) {
	const settings = settingsOf(config, env);
	const hosts = hostsOf(settings.host ?? { text: HOST_DEFAULT, source: DEFAULT }, settings.port);
	const user = required(settings, "username");
	const database = required(settings, "name");
	const password = settings.password?.text || undefined;
	return {
		hosts,
		user: user.text,
		password,
		database: database.text,
		tls: tlsOf(settings.sslmode, settings.sslrootcert, hosts, folder),
		targetSessionAttrs: roleOf(settings.targetSessionAttrs),
		timeoutMs: timeoutOf(config.pg?.timeoutMs),
		applicationName: settings.applicationName?.text ?? APPLICATION_NAME_DEFAULT,
		sources: {
			hosts: shownSource(settings.host, "pg.host"),
			user: shownSource(user, "pg.username"),
			password: shownSource(settings.password, "pg.password"),
			database: shownSource(database, "pg.name"),
			tls: shownSource(settings.sslmode ?? settings.sslrootcert, "pg.tls"),
			rootCert: shownSource(settings.sslrootcert, "pg.tls.sslrootcert"),
		},
		sdk: { ...hosts[0], username: user.text, password: password ?? "", name: database.text },
	};
}

/**
 * @param {ReturnType<typeof settingsOf>} settings
 * @param {"username" | "name"} name
 * @returns {Given}
 */
function required(settings, name) {
	const given = settings[name];
	if (!given?.text) {
		const [field, variable] = [`pg.${name}`, VARIABLES[name]];
		throw invalidField(`its ${field} is missing, and so is the variable ${variable}, which takes its place`);
	}
	return given;
}

/**
 * @param {Given | undefined} mode
 * @param {Given | undefined} rootCert
 * @param {Host[]} hosts
 * @param {string} [folder]
 * @returns {PostgresConfig["tls"]}
 */
function tlsOf(mode, rootCert, hosts, folder) {
	const isOfSystem = rootCert?.text === "system";
	const chosen = mode?.text ?? defaultMode(hosts, isOfSystem);
	if (!MODES.includes(chosen)) {
		throw invalidText(/** @type {Given} */ (mode), "an sslmode", `is none of ${MODES.join(", ")}`);
	}
	if (rootCert?.text === "") {
		throw invalidText(rootCert, "an sslrootcert", "is empty");
	}
	// As libpq has it: an authority of the system gives a certificate to anybody who has a host.
	if (mode !== undefined && isOfSystem && chosen !== "verify-full") {
		throw invalidText(mode, "an sslmode", "is weaker than verify-full, which sslrootcert needs where it is system");
	}
	if (rootCert === undefined || isOfSystem) {
		return { mode: /** @type {TlsMode} */ (chosen) };
	}
	if (!path.isAbsolute(rootCert.text) && (folder ?? workingDirectory()) === undefined) {
		throw invalidSetting(rootCert.source, "has a relative path, and the working directory, where it starts, is gone");
	}
	// As libpq has it: who names the certificates to trust wants them to be looked at.
	const verified = chosen === "require" ? "verify-ca" : chosen;
	return { mode: /** @type {TlsMode} */ (verified), rootCert: absolutePath(rootCert.text, folder) };
}

/**
 * A network is where others may listen, or answer in the server's place. A Unix socket has no TLS.
 *
 * @param {Host[]} hosts
 * @param {boolean} isOfSystem the certificates to trust are named, as those of the system
 * @returns {TlsMode}
 */
function defaultMode(hosts, isOfSystem) {
	const distances = hosts.map(distanceOf);
	if (distances.includes("network")) {
		return "verify-full";
	}
	if (!distances.includes("loopback")) {
		return "disable";
	}
	return isOfSystem ? "verify-full" : "prefer";
}

/** @param {Given | undefined} given */
function roleOf(given) {
	const role = ROLES.get(given?.text ?? "read-write");
	if (role === undefined) {
		const problem = `is none of ${[...ROLES.keys()].join(", ")}; a store needs the primary`;
		throw invalidText(/** @type {Given} */ (given), "a target_session_attrs", problem);
	}
	return role;
}

/** @param {unknown} given */
function timeoutOf(given) {
	if (given === undefined) {
		return POSTGRES_TIMEOUT_MS;
	}
	if (typeof given !== "number" || !(given >= 1 && given <= DURATION_MS_MAX)) {
		throw invalidField(`its pg.timeoutMs is not a number of milliseconds, from 1 to ${DURATION_MS_MAX}`);
	}
	return Math.trunc(given);
}

/**
 * Source of a setting, for messages.
 *
 * @param {Given | undefined} given
 * @param {string} field that could have
 */
function shownSource(given, field) {
	if (given === undefined) {
		return `${field} of DATABASE_CONFIG, which is left out`;
	}
	return given.source.startsWith("PG") ? given.source : `${given.source} of DATABASE_CONFIG`;
}

module.exports = { postgresFrom };
