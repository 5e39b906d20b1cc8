// CommonJS as most bots write it in TypeScript: `import` statements that become `require`. Compiled, never run.

import "rootcellar/register";
import { type KeyValue, rootServer as sdkServer } from "@rootsdk/server-bot";
import * as rootcellar from "rootcellar";
import { type dataStore, openDataStore, rootServer } from "rootcellar";

interface Profile {
	xp: number;
}

/** Storage code of a bot, with the SDK's type; which store it gets is for the line that imports one to say. */
export async function leaderboard(server: {
	dataStore: Pick<(typeof sdkServer)["dataStore"], "appData">;
}): Promise<string[]> {
	const { appData } = server.dataStore;
	await appData.set<Profile>([{ key: "profile:ada", value: { xp: 1 }, expires_at: new Date() }]);
	await appData.update<Profile>("profile:ada", (profile) => ({ xp: profile.xp + 1 }), { xp: 0 });
	await appData.delete("profile:bob");
	await appData.deleteLike("cooldown:%");
	const profiles: KeyValue<Profile>[] = await appData.select<Profile>("profile:%");
	const all: Profile[] = await appData.selectValue<Profile>("profile:%");
	return [...profiles.map(({ key }) => key), ...all.map(({ xp }) => xp.toFixed())];
}

export const boards = [leaderboard(sdkServer), leaderboard(rootServer), leaderboard(rootcellar)];
export const sameStore: typeof dataStore = rootcellar.rootServer.dataStore;

// @ts-expect-error the module has no such export
export const misspelt = rootcellar.datastore;

export async function test(): Promise<void> {
	await using store = openDataStore({ filename: "test.sqlite3", backup: false });
	await store.appData.deleteLike("%");
}
