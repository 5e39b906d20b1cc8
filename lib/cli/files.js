"use strict";

const { closeSync, openSync, readSync, realpathSync, statSync } = require("node:fs");
const path = require("node:path");
const { RootcellarError } = require("../base/errors.js");
const { problemWithName } = require("../config/paths.js");
const { checkOutput } = require("../native/destination.js");

/** Suffixes of the database and of the files that SQLite keeps beside it. */
const COMPANIONS = ["", "-wal", "-shm", "-journal"];

/** First bytes of a database (sqlite.org/fileformat.html, "The Database Header"). */
const MAGIC = Buffer.from("SQLite format 3\0");

/**
 * Status of the file at a path; `undefined` if there is none.
 *
 * @param {string} file
 */
function statOf(file) {
	try {
		// The identity of a file has 64 bits on Windows.
		return statSync(file, { throwIfNoEntry: false, bigint: true });
	} catch (error) {
		// A part of the path that should be a folder is a file.
		if (/** @type {NodeJS.ErrnoException} */ (error).code === "ENOTDIR") return undefined;
		throw error;
	}
}

/**
 * Status of the store's file, if it exists. Refuses anything that is not a regular file.
 *
 * @param {string} file
 */
function storeAt(file) {
	const found = statOf(file);
	if (found !== undefined && !found.isFile()) {
		const what = found.isDirectory() ? "a folder" : "no regular file";
		throw new RootcellarError("ERR_NOT_A_FILE", `${file} is ${what}; expected the file of a store`);
	}
	return found;
}

/**
 * True if a file begins like a database.
 *
 * @param {string} file
 */
function isDatabase(file) {
	const begin = Buffer.alloc(MAGIC.length);
	const descriptor = openSync(file, "r");
	try {
		readSync(descriptor, begin, 0, begin.length, 0);
	} finally {
		closeSync(descriptor);
	}
	return begin.equals(MAGIC);
}

/**
 * Path of the output of a command, with links followed. Refuses a path that is not that of a regular file, one that exists
 * without `--force`, and always one that belongs to the store, to what the command reads, to another database or to backups.
 *
 * @param {string} given
 * @param {{ file?: string, url?: string }} store its file, and its destination, if it has them
 * @param {boolean} force
 * @param {string} [source] what the command reads: a file, or a folder of files
 */
function outputAt(given, store, force, source) {
	const problem = problemWithName(given);
	if (problem !== undefined) {
		throw new RootcellarError("ERR_NOT_A_FILE", `the output ${given} ${problem}`);
	}
	const output = linkedFrom(path.resolve(given), store, force, source);
	checkOutput(store.url, output);
	return output;
}

/**
 * @param {string} output
 * @param {{ file?: string }} store
 * @param {boolean} force
 * @param {string | undefined} source
 */
function linkedFrom(output, { file }, force, source) {
	const found = statOf(output);
	if (source !== undefined && isOf(output, path.resolve(source))) {
		throw new RootcellarError("ERR_FILE_EXISTS", `${output} belongs to what is read; name another file`);
	}
	if (found === undefined) {
		if (!statOf(path.dirname(output))?.isDirectory()) {
			throw new RootcellarError("ERR_NOT_FOUND", `the folder of ${output} does not exist`);
		}
		if (file !== undefined && isBeside(output, file)) throw ofTheStore(output);
		return output;
	}
	if (!found.isFile()) {
		const what = found.isDirectory() ? "a folder" : "no regular file";
		throw new RootcellarError("ERR_NOT_A_FILE", `${output} is ${what}; expected the path of a file`);
	}
	if (file !== undefined && isOf(output, file)) {
		throw ofTheStore(output);
	}
	if (!force) {
		throw new RootcellarError("ERR_FILE_EXISTS", `${output} exists; --force replaces it`);
	}
	return realpathSync(output);
}

/** @param {string} output */
function ofTheStore(output) {
	return new RootcellarError("ERR_FILE_EXISTS", `${output} belongs to the store itself; name another file`);
}

/**
 * True if a path, where there is nothing, is that of a store's file or of one that SQLite will keep beside it.
 *
 * @param {string} output
 * @param {string} file
 */
function isBeside(output, file) {
	const names = COMPANIONS.map((suffix) => path.basename(file) + suffix);
	return (
		names.includes(path.basename(output)) &&
		isSame(statOf(path.dirname(output)), statOf(path.dirname(path.resolve(file))))
	);
}

/**
 * True if a path is that of a file or of one that SQLite keeps beside it, by whatever name; of a folder, or in it.
 *
 * @param {string} output
 * @param {string} place
 */
function isOf(output, place) {
	const found = statOf(output);
	const folder = path.dirname(found === undefined ? output : realpathSync(output));
	return COMPANIONS.some((suffix) => isSame(found, statOf(place + suffix))) || isSame(statOf(folder), statOf(place));
}

/**
 * @param {import("node:fs").BigIntStats | undefined} one
 * @param {import("node:fs").BigIntStats | undefined} other
 */
function isSame(one, other) {
	return one !== undefined && other !== undefined && one.ino === other.ino && one.dev === other.dev;
}

module.exports = { COMPANIONS, isDatabase, isSame, outputAt, storeAt, statOf };
