"use strict";

// A bot in CommonJS. Prints what it saw as JSON.

const { dataStore, openDataStore, rootServer, RootcellarError } = require("rootcellar");

async function main() {
	await rootServer.dataStore.appData.set({ key: "profile:ada", value: { xp: 10 } });
	await dataStore.appData.update("profile:ada", (profile) => ({ xp: profile.xp + 5 }), { xp: 0 });
	const value = await dataStore.appData.get("profile:ada");
	await dataStore.close();
	const afterClose = await dataStore.appData.get("profile:ada").catch((error) => error);
	console.log(
		JSON.stringify({
			value,
			afterClose: afterClose instanceof RootcellarError && afterClose.code,
			packagePath: require.resolve("rootcellar"),
			exports: Object.keys(require("rootcellar")).sort(),
			openDataStore: typeof openDataStore,
		}),
	);
}

main();
