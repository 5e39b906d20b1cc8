// The package as a CommonJS bot uses it. Compiled, never run.

import rootcellar = require("rootcellar");
import sdk = require("@rootsdk/server-bot");
require("rootcellar/register");

const { dataStore, openDataStore, rootServer, RootcellarError } = rootcellar;

const storeForSdk: sdk.KeyValueStore = dataStore.appData;
const storeForUs: rootcellar.KeyValueStore = sdk.rootServer.dataStore.appData;
const configForSdk: sdk.RootDatabaseConfig = rootServer.dataStore.config;
const entryForSdk: sdk.KeyValue<number> = {} as rootcellar.KeyValue<number>;
const entryForUs: rootcellar.KeyValue<number> = {} as sdk.KeyValue<number>;

// The assignments of `rootcellar/register` compile in a bot's own code, too.
sdk.rootServer.dataStore.appData = dataStore.appData;
sdk.rootServer.dataStore.config = dataStore.config;

async function storesAreDisposable(): Promise<number | undefined> {
	await using store = openDataStore();
	await store.appData.set<number>([entryForSdk, entryForUs]);
	// @ts-expect-error a number is no text
	const text: string | undefined = await store.appData.get<number>("a");
	return text?.length;
}

// @ts-expect-error the configuration has a file name
const withoutFilename: typeof dataStore.config = sdk.rootServer.dataStore.config;

export = { storeForSdk, storeForUs, configForSdk, storesAreDisposable, withoutFilename, RootcellarError };
