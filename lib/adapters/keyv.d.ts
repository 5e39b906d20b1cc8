import { EventEmitter } from "node:events";
import type { DataStore } from "../../index.js";

/**
 * Options of {@link KeyvRootcellar}.
 *
 * @example
 * ```ts
 * const options: KeyvRootcellarOptions = { dataStore: openDataStore({ filename: "cache.sqlite3" }), prefix: "cache:" };
 * ```
 */
export interface KeyvRootcellarOptions {
	/** The store for the entries. Default: the process-wide `dataStore`. */
	dataStore?: DataStore;

	/**
	 * Prefix of the keys in the key-value store, before Keyv's namespace. It must end with a colon. Default: `"keyv:"`. Keys
	 * with another prefix are never touched.
	 */
	prefix?: string;
}

/**
 * A storage adapter for Keyv that keeps its entries in the key-value store, `dataStore.appData`.
 *
 * The entry `key` of the namespace `users` is kept under `keyv:users:key`. A time to live becomes the entry's expiry, so
 * that its row is removed even if nobody reads it. A resolved `set` is on disk. Entries that are set together are written
 * together.
 *
 * @example
 * ```ts
 * import Keyv from "keyv";
 * import { KeyvRootcellar } from "rootcellar/keyv";
 *
 * const cache = new Keyv({ store: new KeyvRootcellar(), namespace: "profiles" });
 * await cache.set("ada", { level: 7 }, 60_000);
 * console.log(await cache.get("ada"));
 * ```
 */
export class KeyvRootcellar extends EventEmitter {
	constructor(options?: KeyvRootcellarOptions);

	/** Options that Keyv reads of an adapter. */
	opts: { dialect: string; prefix: string };

	/** Namespace that {@link KeyvRootcellar.clear} clears. Set by Keyv. */
	namespace?: string | undefined;

	get<Value>(key: string): Promise<Value | undefined>;
	getMany<Value>(keys: string[]): Promise<Array<Value | undefined>>;

	/** Resolves with `true` when the entry is on disk. `ttl` is in milliseconds. */
	set(key: string, value: unknown, ttl?: number): Promise<boolean>;

	/** Resolves with `true` if there was such an entry. */
	delete(key: string): Promise<boolean>;

	has(key: string): Promise<boolean>;
	hasMany(keys: string[]): Promise<boolean[]>;

	/** Removes every entry of the namespace, or of all namespaces if there is none, at once. */
	clear(): Promise<void>;

	/** The entries in the order of their keys; about 200 are read ahead. */
	iterator<Value>(namespace?: string): AsyncGenerator<Array<string | Awaited<Value> | undefined>, void>;

	/** Does nothing: the store stays open for its other users. */
	disconnect(): Promise<void>;
}
