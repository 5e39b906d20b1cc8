// `rootcellar/keyv` over a store on PostgreSQL.

import Keyv from "keyv";
import { KeyvRootcellar } from "rootcellar/keyv";
import { expect, test } from "vitest";
import { temporaryDatabase } from "../helpers/postgres.mjs";
import { storeOn } from "./store.mjs";

test("what Keyv caches is set, found, gone through and cleared, by its namespace", async () => {
	const { config } = await temporaryDatabase();
	const dataStore = storeOn(config);
	const [players, others] = ["players", "Players"].map(
		(namespace) => new Keyv({ store: new KeyvRootcellar({ dataStore }), namespace }),
	);
	await Promise.all(Array.from({ length: 250 }, (_, n) => players.set(`key ${n}`, n)));
	await others.set("key", "another");
	await dataStore.appData.set({ key: "own", value: 1 });
	expect([await players.get("key 7"), await players.has("key 250")]).toEqual([7, false]);
	const seen = new Map();
	for await (const [key, value] of players.iterator()) seen.set(key, value);
	expect(seen).toEqual(new Map(Array.from({ length: 250 }, (_, n) => [`key ${n}`, n])));
	await players.clear();
	expect([await players.get("key 7"), await others.get("key"), await dataStore.appData.get("own")]).toEqual([
		undefined,
		"another",
		1,
	]);
	await dataStore.close();
});
