"use strict";

const { createHash } = require("node:crypto");
const { readFile, readdir } = require("node:fs/promises");
const path = require("node:path");
const { fileURLToPath } = require("node:url");
const { RootcellarError, invalidArgument } = require("../../base/errors.js");
const { kindOf } = require("../../base/json.js");
const { looksLikeUrl } = require("../../config/paths.js");
const { checkSql } = require("../statement.js");

/** Name of a migration file: a number, a separator, a name. */
const FILE_NAME = /^(\d+)[_-](.+?)(\.sql)?$/i;

/** Rest of a message about a text that is no path. */
const NO_URL = ", and looks like a URL; give one of a file as a URL object, or write ./ before a path";

/**
 * Migration: its number, its name without the number, and its SQL with a hash by which a change is noticed.
 *
 * @typedef {{ number: number, name: string, file: string, sql: string, hash: string }} Migration
 */

/**
 * The migrations of a folder or a list, in the order of their numbers.
 *
 * @param {unknown} source
 * @returns {Promise<Migration[]>}
 */
async function readMigrations(source) {
	const files = Array.isArray(source) ? await readList(source) : await readFolder(source);
	const migrations = files.map(({ file, sql }) => parse(file, sql)).sort((one, other) => one.number - other.number);
	for (const [index, migration] of migrations.entries()) {
		const before = migrations[index - 1];
		if (before?.number === migration.number) {
			throw migrationError(`${before.file} and ${migration.file} have the same number`);
		}
	}
	return migrations;
}

/**
 * @param {unknown} source
 */
async function readFolder(source) {
	const folder = source instanceof URL ? fileURLToPath(source) : source;
	if (typeof folder !== "string") {
		throw invalidArgument("migrations", `must be the path of a folder or an array, not ${kindOf(source)}`);
	}
	if (looksLikeUrl(folder)) {
		throw invalidArgument("migrations", `must be the path of a folder or an array${NO_URL}`);
	}
	let names;
	try {
		names = await readdir(folder);
	} catch (cause) {
		throw migrationError(`the folder ${folder} cannot be read`, cause);
	}
	const files = names.filter((name) => /\.sql$/i.test(name));
	return Promise.all(files.map((name) => readOne(path.join(folder, name))));
}

/**
 * @param {unknown[]} list paths, or names with their SQL
 */
async function readList(list) {
	return Promise.all(
		list.map(async (/** @type {any} */ item, index) => {
			const argument = `migrations[${index}]`;
			if (typeof item === "string" && looksLikeUrl(item)) {
				throw invalidArgument(argument, `must be the path of a file, or { name, sql }${NO_URL}`);
			}
			if (typeof item === "string" || item instanceof URL) {
				return readOne(item instanceof URL ? fileURLToPath(item) : item);
			}
			if (typeof item !== "object" || item === null || typeof item.name !== "string") {
				throw invalidArgument(argument, "must be the path of a file, or { name, sql }");
			}
			return { file: item.name, sql: checkSql(item.sql, `${argument}.sql`) };
		}),
	);
}

/**
 * @param {string} file
 */
async function readOne(file) {
	try {
		return { file: path.basename(file), sql: await readFile(file, "utf8") };
	} catch (cause) {
		throw migrationError(`${file} cannot be read`, cause);
	}
}

/**
 * @param {string} file
 * @param {string} text
 * @returns {Migration}
 */
function parse(file, text) {
	const [, digits, name] = FILE_NAME.exec(file) ?? [];
	const number = Number(digits);
	if (name === undefined || !Number.isSafeInteger(number)) {
		throw migrationError(`${file} must be named <number>_<name>.sql`);
	}
	// Line ends as version control may have converted them are no change.
	const sql = checkSql(text.replace(/^\ufeff/, "").replaceAll("\r\n", "\n"), file);
	return { number, name, file, sql, hash: createHash("sha256").update(sql).digest("hex") };
}

/**
 * @param {string} problem
 * @param {unknown} [cause]
 */
function migrationError(problem, cause) {
	const options = cause === undefined ? undefined : { cause };
	return new RootcellarError("ERR_MIGRATION", `cannot migrate: ${problem}`, options);
}

module.exports = { migrationError, readMigrations };
