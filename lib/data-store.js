"use strict";

const { atFirstUse, objectAtFirstUse } = require("./base/at-first-use.js");
// Loaded now, before a test replaces them.
require("./base/timers.js");
const { workingDirectory } = require("./base/working-directory.js");

/** @typedef {import("..").DataStore} DataStore */

/** Everything else: a bot that imports this package and does not use it does not wait for that. */
const opening = atFirstUse(() => require("./open-store.js"));

const MEMBERS = ["appData", "kv", "backups", "sqlite", "transaction", "config", "close", Symbol.asyncDispose];

/**
 * @param {any} [options]
 * @returns {DataStore}
 */
function openDataStore(options = {}) {
	return opening().openStore(options, workingDirectory());
}

/**
 * The store that the environment configures.
 *
 * @returns {DataStore}
 */
function storeOfEnvironment() {
	// A bot may change it before the first use.
	const folder = workingDirectory();
	return objectAtFirstUse(MEMBERS, () => opening().openStore({}, folder));
}

module.exports = { dataStore: storeOfEnvironment(), openDataStore };
