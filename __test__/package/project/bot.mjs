// A bot in ES modules, with named imports. Prints what it saw as JSON.

import rootcellar, { dataStore, openDataStore, RootcellarError, rootServer } from "rootcellar";

await rootServer.dataStore.appData.set([
	{ key: "profile:ada", value: { xp: 10 } },
	{ key: "profile:bob", value: { xp: 7 } },
]);
const profiles = await dataStore.appData.select("profile:%");
await dataStore.close();
const afterClose = await dataStore.appData.get("profile:ada").catch((error) => error);
console.log(
	JSON.stringify({
		profiles,
		afterClose: afterClose instanceof RootcellarError && afterClose.code,
		sameAsDefaultExport: rootcellar.dataStore === dataStore && rootcellar.openDataStore === openDataStore,
	}),
);
