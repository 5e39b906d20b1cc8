"use strict";

const { MEMORY, memoryFile } = require("./memory.js");
const { RootcellarError, invalidArgument } = require("../base/errors.js");
const { absolutePath, followLinks, looksLikeUrl, problemWithName } = require("./paths.js");

/** The SDK's default, a file in the working directory. */
const DEFAULT_FILENAME = "./rootsdk.sqlite3";

/** End of the names that SQLite gives the files beside a database. It takes no locks on them. */
const BESIDE_DATABASE = /-(?:wal|shm|journal)$/i;

/**
 * Location of a store: the name of its file as it was configured, its absolute path with links followed, who configured
 * it, what kind of a store it is, and the configuration of its backups, unless they are off.
 *
 * @typedef {object} Location
 * @property {string} filename
 * @property {string} path
 * @property {string} source
 * @property {import("../native/addon").StoreKind | "postgres"} kind
 * @property {import("./postgres/postgres.js").PostgresConfig} [postgres] the database, if it is not a file
 * @property {import("./backup.js").BackupConfig} [backup]
 */

/**
 * The location that the environment configures.
 *
 * @param {NodeJS.ProcessEnv} env
 * @param {string} [folder] what a relative name starts from: the working directory by default
 * @returns {Location}
 */
function locationFromEnvironment(env, folder) {
	const text = env.DATABASE_CONFIG;
	if (text === undefined || text === "") {
		return locate(DEFAULT_FILENAME, folder, "the default; DATABASE_CONFIG is not set");
	}
	const config = parseConfig(text);
	if (config?.databaseType === "pg") {
		const { postgresFrom } = require("./postgres/postgres.js");
		const postgres = postgresFrom(config, env, folder);
		return { filename: "", path: "", source: "from DATABASE_CONFIG", kind: "postgres", postgres };
	}
	const filename = filenameFromConfig(config);
	const problem = problemWith(filename);
	if (problem !== undefined) {
		throw invalidConfig(`its sqlite3.filename ${problem}`);
	}
	return locate(filename, folder, "from DATABASE_CONFIG");
}

/**
 * @param {unknown} filename the option of `openDataStore`
 * @param {string} [folder] what a relative name starts from: the working directory by default
 * @returns {Location}
 */
function locationFromOption(filename, folder) {
	const problem = typeof filename === "string" ? problemWith(filename) : "must be a string";
	if (problem !== undefined) {
		throw invalidArgument("options.filename", problem);
	}
	return locate(/** @type {string} */ (filename), folder, "from options.filename");
}

/**
 * @param {string} text
 */
function parseConfig(text) {
	try {
		return JSON.parse(text);
	} catch {
		throw invalidConfig("it is not JSON");
	}
}

/**
 * @param {any} config
 * @returns {string}
 */
function filenameFromConfig(config) {
	if (typeof config !== "object" || config === null || Array.isArray(config)) {
		throw invalidConfig("it is not a JSON object");
	}
	if (config.databaseType !== "sqlite3") {
		throw invalidConfig("its databaseType is neither sqlite3 nor pg");
	}
	if (config.filename !== undefined) {
		throw invalidConfig("its filename is not within sqlite3");
	}
	if (config.sqlite3 === undefined) {
		return DEFAULT_FILENAME;
	}
	if (typeof config.sqlite3?.filename !== "string") {
		throw invalidConfig("its sqlite3.filename is not a string");
	}
	return config.sqlite3.filename;
}

/**
 * @param {string} filename
 * @returns {string | undefined}
 */
function problemWith(filename) {
	if (filename === "") {
		return "must not be empty";
	}
	if (filename.includes("\0")) {
		return "must not contain a NUL";
	}
	if (filename.startsWith("file:")) {
		return "must be the path of a file, or :memory:; file: URIs are not supported";
	}
	if (looksLikeUrl(filename)) {
		return (
			"must be the path of a file, or :memory:, and looks like a URL; one of PostgreSQL belongs in pg.url of DATABASE_CONFIG; " +
			"write ./ before a path"
		);
	}
	if (BESIDE_DATABASE.test(filename)) {
		return "must not have a name that ends with -wal, -shm or -journal, which is that of a file beside a database";
	}
	return filename === MEMORY ? undefined : problemWithName(filename);
}

/**
 * @param {string} filename
 * @param {string | undefined} folder
 * @param {string} source
 * @returns {Location}
 */
function locate(filename, folder, source) {
	if (filename === MEMORY) {
		return { filename, path: memoryFile(), source, kind: "memory" };
	}
	return { filename, path: followLinks(absolutePath(filename, folder)), source, kind: "file" };
}

/**
 * @param {string} problem
 */
function invalidConfig(problem) {
	const sqlite = '{"databaseType":"sqlite3","sqlite3":{"filename":"<path>"}}';
	const { EXPECTED } = require("./postgres/problem.js");
	const message = `DATABASE_CONFIG cannot be used: ${problem}; expected ${sqlite}, or ${EXPECTED}`;
	return new RootcellarError("ERR_INVALID_CONFIG", message);
}

module.exports = { locationFromEnvironment, locationFromOption };
