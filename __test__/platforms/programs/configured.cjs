"use strict";

// Uses the store that the environment configures: `configured.cjs <package>`.

const { dataStore } = require(process.argv[2]);

dataStore.appData.set({ key: "a", value: 1 }).catch(() => {});
setInterval(() => {}, 1_000);
