"use strict";

// Reports whether the SDKs that are named by their paths or names on the command line were swapped: their appData
// is ours, and their configuration names our file.

const { isDeepStrictEqual } = require("node:util");

require("rootcellar/register");
const { dataStore } = require("rootcellar");

function isSwapped(name) {
	const { appData, config } = require(name).rootServer.dataStore;
	return appData === dataStore.appData && isDeepStrictEqual(config, dataStore.config);
}

process.send({ swapped: process.argv.slice(2).map(isSwapped) }, () => process.exit(0));
