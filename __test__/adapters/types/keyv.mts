// `rootcellar/keyv` as a bot uses it. Compiled, never run.

import Keyv, { type KeyvStoreAdapter } from "keyv";
import { openDataStore } from "rootcellar";
import { KeyvRootcellar, type KeyvRootcellarOptions } from "rootcellar/keyv";

const options: KeyvRootcellarOptions = { dataStore: openDataStore({ filename: "cache.sqlite3" }), prefix: "cache:" };

export const adapter: KeyvStoreAdapter = new KeyvRootcellar(options);
export const byAdapter = new Keyv<{ level: number }>(new KeyvRootcellar());
export const byOption = new Keyv<{ level: number }>({ store: new KeyvRootcellar(), namespace: "users", ttl: 60_000 });
export const level: Promise<{ level: number } | undefined> = byOption.get("ada");

// @ts-expect-error a prefix is a string
export const numberAsPrefix = new KeyvRootcellar({ prefix: 7 });
// @ts-expect-error a file name is no store
export const textAsStore = new KeyvRootcellar({ dataStore: "cache.sqlite3" });
