"use strict";

const { constants } = require("node:buffer");
const { readFileSync } = require("node:fs");
const { RootcellarError } = require("../../../base/errors.js");
const { checkFile, invalidSource, itemOf } = require("./source.js");
const { parseDocument } = require("../values/json.js");
const { Refusal } = require("../values/kinds.js");

/**
 * @typedef {import("./source.js").Source} Source
 * @typedef {import("./source.js").ImportOptions} ImportOptions
 * @typedef {import("../values/json.js").JsonDocument} JsonDocument
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
	const { value, kindsOf, isObject } = readDocument(file, EXPECTED);
	if (!isObject) throw invalidSource(file, "has no object at the top", EXPECTED);
	return {
		name: "JSON",
		hasCommunities: false,
		notes: [],
		total: Object.keys(value).length,
		of: "the document",
		async *read() {
			let done = 0;
			for (const name of Object.keys(value)) {
				done++;
				for (const { key, holder, member } of parts(name, value, name, split - 1)) {
					const item = itemOf({ from: "the document", key }, (kinds) => {
						for (const kind of kindsOf(holder, member)) kinds.add(kind);
						return holder[member];
					});
					yield { items: [item], done };
				}
			}
		},
		close: async () => {},
	};
}

/**
 * The keys under a member, and the members that are their values.
 *
 * @param {string} key
 * @param {any} holder
 * @param {string} member its name
 * @param {number} levels
 * @returns {Generator<{ key: string, holder: any, member: string }>}
 */
function* parts(key, holder, member, levels) {
	const value = holder[member];
	if (levels === 0 || !isPlain(value) || Object.keys(value).length === 0) {
		yield { key, holder, member };
		return;
	}
	for (const name of Object.keys(value)) yield* parts(`${key}:${name}`, value, name, levels - 1);
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
 * @returns {JsonDocument & { isObject: boolean }}
 */
function readDocument(file, expected) {
	const bytes = readFileSync(file);
	if (bytes.length > constants.MAX_STRING_LENGTH) {
		const most = `${Math.floor(constants.MAX_STRING_LENGTH / 1e6)} MB`;
		throw new RootcellarError("ERR_TOO_LARGE", `${file} is too large: a file of JSON may have up to ${most}`);
	}
	try {
		// The decoder drops a byte order mark at the beginning, which some editors write.
		const document = parseDocument(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
		return { ...document, isObject: isPlain(document.value) };
	} catch (error) {
		const problem = error instanceof Refusal ? "is not JSON, or is cut off" : "is not UTF-8";
		throw invalidSource(file, problem, expected);
	}
}

module.exports = { openDocument, readDocument };
