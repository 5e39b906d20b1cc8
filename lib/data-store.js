"use strict";

const { locationFromEnvironment, locationFromOption } = require("./config.js");
const { invalidArgument } = require("./errors.js");
const { createKeyValueStore } = require("./key-value-store.js");
const { CACHE_BYTES_DEFAULT } = require("./limits.js");
const { kindOf } = require("./json.js");
const { OperationQueue } = require("./operation-queue.js");

/**
 * @typedef {import("..").DataStore} DataStore
 * @typedef {import("./config.js").Location} Location
 */

/**
 * @param {() => Location} locate called when the location is first needed; what it returns is kept
 * @param {number} cacheBytes
 * @returns {DataStore}
 */
function createDataStore(locate, cacheBytes) {
	/** @type {Location | undefined} */
	let location;
	const located = () => {
		location ??= locate();
		return location;
	};
	const queue = new OperationQueue(located, cacheBytes);
	return {
		appData: createKeyValueStore(queue),
		get config() {
			return { databaseType: /** @type {const} */ ("sqlite3"), sqlite3: { filename: located().filename } };
		},
		close: () => queue.close(),
		[Symbol.asyncDispose]: () => queue.close(),
	};
}

/**
 * @param {any} [options]
 * @returns {DataStore}
 */
function openDataStore(options = {}) {
	if (typeof options !== "object" || options === null) {
		throw invalidArgument("options", `must be an object, not ${kindOf(options)}`);
	}
	const { filename, backup, cacheBytes = CACHE_BYTES_DEFAULT } = options;
	if (backup !== undefined && backup !== false) {
		throw invalidArgument("options.backup", "must be false or left out: this version makes no backups");
	}
	if (!Number.isSafeInteger(cacheBytes) || cacheBytes < 0) {
		throw invalidArgument(
			"options.cacheBytes",
			"must be a number of bytes: an integer from 0, which turns the cache off",
		);
	}
	if (filename === undefined) {
		return createDataStore(() => locationFromEnvironment(process.env), cacheBytes);
	}
	const location = locationFromOption(filename);
	return createDataStore(() => location, cacheBytes);
}

module.exports = { dataStore: openDataStore(), openDataStore };
