"use strict";

// The SDK first, register after it: what the bot took from the SDK before is not ours.

const sdk = require("@rootsdk/server-bot");
const before = sdk.rootServer.dataStore.appData;
require("rootcellar/register");
const { dataStore } = require("rootcellar");

const swapped = sdk.rootServer.dataStore.appData === dataStore.appData && before !== dataStore.appData;
process.send({ swapped }, () => process.exit(0));
