"use strict";

require("./lib/process/require-in-module.js");
const { dataStore, openDataStore } = require("./lib/data-store.js");
const { RootcellarError } = require("./lib/base/errors.js");

module.exports = { dataStore, openDataStore, rootServer: { dataStore }, RootcellarError };
