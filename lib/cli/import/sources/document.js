"use strict";

const { constants } = require("node:buffer");
const { readFileSync } = require("node:fs");
const { RootcellarError } = require("../../../base/errors.js");
const { checkFile, invalidSource, itemOf } = require("./source.js");
const { fromJson } = require("../values/json.js");
const { KINDS, Refusal } = require("../values/kinds.js");

/**
 * @typedef {import("./source.js").Source} Source
 * @typedef {import("./source.js").ImportOptions} ImportOptions
 */

const EXPECTED = "a file of JSON with an object, as lowdb writes it";

/** Default of `--split`: the members of the document are the keys. */
const SPLIT_DEFAULT = 1;

/**
 * Opens any file of JSON, such as that of lowdb. The members of the document are the keys; with `--split 2` theirs are, of
 * those that are objects, and so on.
 *
 * @param {string} file
 * @param {ImportOptions} options
 * @returns {Promise<Source>}
 */
async function openDocument(file, { split = SPLIT_DEFAULT }) {
	checkFile(file, EXPECTED);
	const { value, kinds, isObject } = readDocument(file, EXPECTED);
	if (!isObject) throw invalidSource(file, "has no object at the top", EXPECTED);
	return {
		name: "JSON",
		hasCommunities: false,
		notes: notesOf(kinds),
		total: Object.keys(value).length,
		of: "the document",
		async *read() {
			let done = 0;
			for (const [name, member] of Object.entries(value)) {
				done++;
				for (const [key, part] of parts(name, member, split - 1)) {
					yield { items: [itemOf({ from: "the document", key }, () => part)], done };
				}
			}
		},
		close: async () => {},
	};
}

/** @param {Set<import("../values/kinds.js").Kind>} kinds */
function notesOf(kinds) {
	const notes = [];
	if (kinds.has("number")) notes.push('a number that is beyond the largest became its text, such as "Infinity"');
	if (kinds.has("digits")) notes.push(KINDS.digits);
	return notes;
}

/**
 * The keys under a member, and their values.
 *
 * @param {string} key
 * @param {any} value
 * @param {number} levels
 * @returns {Generator<[string, any]>}
 */
function* parts(key, value, levels) {
	if (levels === 0 || !isPlain(value) || Object.keys(value).length === 0) {
		yield [key, value];
		return;
	}
	for (const [name, member] of Object.entries(value)) yield* parts(`${key}:${name}`, member, levels - 1);
}

/** @param {any} value */
function isPlain(value) {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Reads a whole file of JSON, into memory: at most what a string of JavaScript can hold, about 500 MB.
 *
 * @param {string} file
 * @param {string} expected
 */
function readDocument(file, expected) {
	const bytes = readFileSync(file);
	if (bytes.length > constants.MAX_STRING_LENGTH) {
		const most = `${Math.floor(constants.MAX_STRING_LENGTH / 1e6)} MB`;
		throw new RootcellarError("ERR_TOO_LARGE", `${file} is too large: a file of JSON may have up to ${most}`);
	}
	/** @type {Set<import("../values/kinds.js").Kind>} */
	const kinds = new Set();
	try {
		// The decoder drops a byte order mark at the beginning, which some editors write.
		const value = fromJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes), kinds);
		return { value, kinds, isObject: isPlain(value) };
	} catch (error) {
		const problem = error instanceof Refusal ? "is not JSON, or is cut off" : "is not UTF-8";
		throw invalidSource(file, problem, expected);
	}
}

module.exports = { openDocument, readDocument };
