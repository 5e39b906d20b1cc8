// A bot in TypeScript, compiled to an ES module. Prints what it saw as JSON.

import {
	type DataStore,
	type DataStoreOptions,
	type KeyValue,
	type KeyValueStore,
	openDataStore,
	RootcellarError,
	rootServer,
} from "rootcellar";

interface Profile {
	xp: number;
}

const options: DataStoreOptions = { filename: process.env.BOT_FILE, backup: false };
const store: DataStore = openDataStore(options);
const appData: KeyValueStore = store.appData;

await appData.set<Profile>({
	key: "profile:ada",
	value: { xp: 10 },
	expiresAt: new Date(Date.now() + 60_000),
});
const profile: Profile | undefined = await appData.get<Profile>("profile:ada");
const xp: number = await appData.update("xp:ada", (old) => old + 5, profile?.xp ?? 0);
const entries: KeyValue<Profile>[] = await appData.select<Profile>("profile:%");

// @ts-expect-error: an entry needs a key
const rejected: unknown = await appData.set({ value: 1 }).catch((error: unknown) => error);

const sharedStore: DataStore = rootServer.dataStore;
console.log(
	JSON.stringify({
		profile,
		xp,
		expires: entries.map((entry) => entry.expiresAt instanceof Date),
		rejected: rejected instanceof TypeError,
		rootcellarError: new Error() instanceof RootcellarError,
		filename: sharedStore.config.sqlite3.filename,
	}),
);
await store.close();
