"use strict";

const { opendir, readFile } = require("node:fs/promises");
const path = require("node:path");
const { textDecoder } = require("../../text-decoder.js");
const { KEY_NOT_TEXT, checkFolder, invalidSource, itemOf, withExpiry } = require("./source.js");
const { fromJson } = require("../values/json.js");
const { Refusal, carried } = require("../values/kinds.js");

/**
 * @typedef {import("./source.js").Item} Item
 * @typedef {import("./source.js").Source} Source
 */

const EXPECTED = "the folder of node-persist 4, such as .node-persist/storage, with a file for each key";

/** Name of a file: a hash of its key in hexadecimal, SHA-256 since node-persist 4, MD5 before. */
const FILE_NAME = /^(?:[0-9a-f]{32}|[0-9a-f]{64})$/;

/** Files that are read at a time. */
const FILES_AT_ONCE = 64;

const decode = textDecoder("UTF-8");

/**
 * Opens what node-persist has stored.
 *
 * @param {string} folder
 * @returns {Promise<Source>}
 */
async function openNodePersist(folder) {
	checkFolder(folder, EXPECTED);
	let [total, others] = [0, 0];
	for await (const names of fileNames(folder)) {
		total += names.own.length;
		others += names.others;
	}
	if (total === 0) throw invalidSource(folder, "has no file of node-persist", EXPECTED);
	const files =
		others === 1 ? "1 file that is not node-persist's was" : `${others} files that are not node-persist's were`;
	return {
		name: "node-persist",
		hasCommunities: false,
		notes: others === 0 ? [] : [`${files} left alone`],
		total,
		of: "the files",
		async *read() {
			let done = 0;
			for await (const { own } of fileNames(folder)) {
				const found = await Promise.all(own.map((name) => itemOfFile(folder, name)));
				done += found.length;
				yield { items: found.filter((item) => item !== undefined), done };
			}
		},
		close: async () => {},
	};
}

/** @param {string} folder */
async function* fileNames(folder) {
	/** @type {string[]} */
	let own = [];
	let others = 0;
	for await (const entry of await opendir(folder)) {
		if (entry.isFile() && FILE_NAME.test(entry.name)) {
			own.push(entry.name);
		} else {
			others++;
		}
		if (own.length >= FILES_AT_ONCE) {
			yield { own, others };
			[own, others] = [[], 0];
		}
	}
	yield { own, others };
}

/**
 * @param {string} folder
 * @param {string} name
 * @returns {Promise<Item | undefined>} nothing, if it was removed meanwhile
 */
async function itemOfFile(folder, name) {
	const from = `the file ${name}`;
	try {
		return toItem(from, decode(await readFile(path.join(folder, name))));
	} catch (error) {
		if (error instanceof Refusal) return { from, refusal: error.message };
		if (/** @type {NodeJS.ErrnoException} */ (error).code === "ENOENT") return undefined;
		throw error;
	}
}

/**
 * @param {string} from
 * @param {ReturnType<typeof decode>} read
 * @returns {Item}
 */
function toItem(from, { text, isExact }) {
	/** @type {Set<import("../values/kinds.js").Kind>} */
	const large = new Set();
	const datum = fromJson(text, large);
	const { key, value, ttl } = datum ?? {};
	if (typeof key !== "string") throw new Refusal('is no object with a "key" that is a text');
	if (!isExact && key.includes("\uFFFD")) throw new Refusal(KEY_NOT_TEXT);
	const isTime = typeof ttl === "number" && ttl > 0;
	const item = itemOf({ from, key, bytes: text.length }, (kinds) => {
		for (const kind of large) kinds.add(kind);
		if (!isExact) kinds.add("utf8");
		return carried(value, kinds);
	});
	return isTime ? withExpiry(item, ttl) : item;
}

module.exports = { openNodePersist };
