"use strict";

// Every bot's use of the SDK's `rootServer`; the test reads the report.

module.exports = async function visit({ rootServer }) {
	const { appData, sqlite, config } = rootServer.dataStore;
	const rootcellar = require("rootcellar");
	await appData.set({ key: "greeting", value: "first" });
	await appData.set({ key: "greeting", value: "second" });
	const report = {
		swapped: appData === rootcellar.dataStore.appData && sqlite === rootcellar.dataStore.sqlite,
		config,
		ourConfig: rootcellar.dataStore.config,
		logs: typeof rootServer.dataStore.logs,
		greeting: await appData.get("greeting"),
		entries: await appData.select("greeting"),
		visits: await appData.update("visits", (visits) => visits + 1, 0),
	};
	// The SDK keeps its process alive.
	process.send(report, () => process.exit(0));
};
