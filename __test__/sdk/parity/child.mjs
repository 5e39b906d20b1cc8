// One side of a comparison; started by run.mjs. The SDK keeps its process alive: hence the exits.

import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

const sides = {
	sdk: () => {
		const { appData } = require("@rootsdk/server-bot").rootServer.dataStore;
		return { store: appData, close: async () => {} };
	},
	rootcellar: async () => {
		const { dataStore } = await import("rootcellar");
		return { store: dataStore.appData, close: () => dataStore.close() };
	},
};

process.once("message", async ({ url, name, args }) => {
	try {
		const { store, close } = await sides[process.argv[2]]();
		const result = await (await import(url))[name](store, ...args);
		await close();
		process.send({ result }, () => process.exit(0));
	} catch (error) {
		console.error(error);
		process.exit(1);
	}
});
