"use strict";

// Uses the store that the environment configures: `configured.cjs <package>`.

const { dataStore } = require(process.argv[2]);

dataStore.appData.set({ key: "a", value: 1 }).catch((error) => {
	console.error(error);
	process.exit(1);
});
setInterval(() => {}, 1_000);
