"use strict";

const { statSync } = require("node:fs");
const { RootcellarError } = require("../../../base/errors.js");
const { TIME_MS_MAX } = require("../../../base/limits.js");
const { statOf } = require("../../files.js");
const { Refusal } = require("../values/kinds.js");

/**
 * Item of a source: an entry to store, with the kinds of values in it that JSON cannot hold; or the reason why there is none.
 * `from` says where it is in the source, and `bytes` about how large it is.
 *
 * @typedef {import("../values/kinds.js").Kind} Kind
 * @typedef {import("../../../..").KeyValueInput<any>} SourceEntry
 * @typedef {{
 *   from: string,
 *   key?: string,
 *   bytes?: number,
 *   entry?: SourceEntry,
 *   kinds?: Set<Kind>,
 *   refusal?: string,
 *   isExpired?: boolean,
 * }} Item
 *
 * Source that is open. It can be read more than once. `total` and the `done` of items have the same unit, which `of` names;
 * without it they are bytes.
 *
 * @typedef {{
 *   name: string,
 *   hasCommunities: boolean,
 *   notes: string[],
 *   total: number,
 *   of: string | undefined,
 *   read: () => AsyncIterable<{ items: Item[], done: number }>,
 *   close: () => Promise<void>,
 * }} Source
 *
 * @typedef {import("../../locate.js").CommandOptions & {
 *   from?: string,
 *   input?: string,
 *   community?: string,
 *   table?: string[],
 *   prefix?: string,
 *   split?: number,
 *   report?: string,
 *   dryRun?: boolean,
 *   skip?: boolean,
 *   force?: boolean,
 * }} ImportOptions
 */

/**
 * @param {string} place path of the source
 * @param {string} problem
 * @param {string} expected
 */
function invalidSource(place, problem, expected) {
	return new RootcellarError("ERR_INVALID_INPUT", `${place} ${problem}; expected ${expected}; nothing was imported`);
}

/**
 * Refuses a path that leads to no file.
 *
 * @param {string} place
 * @param {string} expected
 */
function checkFile(place, expected) {
	const found = existingSource(place);
	if (!found.isFile()) {
		const what = found.isDirectory() ? "is a folder" : "is no regular file";
		throw new RootcellarError("ERR_NOT_A_FILE", `${place} ${what}; expected ${expected}`);
	}
	return found;
}

/**
 * Refuses a path that leads to no folder.
 *
 * @param {string} place
 * @param {string} expected
 */
function checkFolder(place, expected) {
	if (!existingSource(place).isDirectory()) {
		throw new RootcellarError("ERR_NOT_A_FOLDER", `${place} is no folder; expected ${expected}`);
	}
}

/** @param {string} place */
function existingSource(place) {
	if (statOf(place) === undefined) {
		throw new RootcellarError("ERR_NOT_FOUND", `there is no ${place} to import`);
	}
	return statSync(place);
}

const KEY_NOT_TEXT = "has a key that is no text in the encoding of its source";

/**
 * An item with the value that `toValue` makes, or with the reason why it refuses to.
 *
 * @param {{ from: string, key: string, bytes?: number, communityId?: string }} found
 * @param {(kinds: Set<Kind>) => unknown} toValue
 * @returns {Item}
 */
function itemOf({ from, key, bytes, communityId }, toValue) {
	if (!key.isWellFormed()) return { from, key, refusal: "has a key with half of a surrogate pair" };
	/** @type {Set<Kind>} */
	const kinds = new Set();
	try {
		return { from, key, bytes, kinds, entry: { key, value: toValue(kinds), communityId, expiresAt: undefined } };
	} catch (error) {
		if (error instanceof Refusal) return { from, key, refusal: error.message };
		throw error;
	}
}

/**
 * Adds an expiry to an item, or drops its entry if that has come.
 *
 * @param {Item} item
 * @param {number | undefined} expiresAt milliseconds since 1970 UTC
 * @returns {Item}
 */
function withExpiry(item, expiresAt) {
	if (item.entry === undefined || expiresAt === undefined) return item;
	if (expiresAt <= Date.now()) return { from: item.from, key: item.key, isExpired: true };
	item.entry.expiresAt = Math.min(expiresAt, TIME_MS_MAX);
	return item;
}

module.exports = { KEY_NOT_TEXT, checkFile, checkFolder, invalidSource, itemOf, withExpiry };
