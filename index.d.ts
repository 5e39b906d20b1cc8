/// <reference lib="esnext.disposable" />

/**
 * rootcellar: storage for bots written for Root, in one SQLite file or in PostgreSQL.
 *
 * - `dataStore.appData` is the key-value store of `@rootsdk/server-bot`, in the same file format. It keeps the SDK's
 *   documented promises: a resolved write is on disk, operations take effect in the order in which they were called,
 *   and a read sees every write that was issued before it. See {@link KeyValueStore}.
 * - `dataStore.kv` has what these lack, on the same keys: counters, pages, watching. See {@link Kv}.
 * - `dataStore.transaction` changes keys and rows together, on either engine. See {@link DataStore.transaction}.
 * - `dataStore.sqlite` runs SQL on the same file, off the event loop. See {@link Sqlite}.
 * - `dataStore.backups` backs the file up and restores it. See {@link Backups}.
 *
 * @packageDocumentation
 */

/**
 * An entry of the key-value store, as a read returns it.
 *
 * Root's documentation spells the expiry `expiresAt`, SDK 0.17.0 spells it `expires_at`. Both are accepted. An entry
 * with an expiry is returned with both, an entry without one with neither.
 *
 * Expiry follows the process's clock (`Date.now()`), to the millisecond: when its expiry has come, an entry is gone. Its
 * row is removed within a minute. On PostgreSQL it follows the database's clock, and its row goes a minute later at the
 * earliest.
 *
 * @typeParam T - The type of the value: anything that `JSON.stringify` can write.
 *
 * @example
 * ```ts
 * const entries: KeyValue<number>[] = await dataStore.appData.select<number>("score:%");
 * console.log(entries[0]?.key, entries[0]?.value, entries[0]?.expiresAt?.toISOString() ?? "never");
 * ```
 */
export type KeyValue<T> = {
	key: string;
	value: T;
	expiresAt?: Date;
	expires_at?: Date;
};

/**
 * An entry as {@link KeyValueStore.set} takes it.
 *
 * It may name its community, which SDK 0.17.0 accepts without documenting it. An absent or empty `communityId` means the
 * default scope. Rows of one community never show in another, nor in the default scope. A `ttlMs`, which `kv` takes, is a
 * `TypeError` here.
 *
 * @example
 * ```ts
 * const entry: KeyValueInput<string> = { key: "motd", value: "hello", expiresAt: Date.now() + 60_000 };
 * await dataStore.appData.set(entry);
 * ```
 */
export type KeyValueInput<T> = {
	key: string;
	value: T;
	/** A `Date`, or milliseconds since 1970 UTC; `undefined` and `null` mean never. */
	expiresAt?: Date | number | null;
	/** The same under SDK 0.17.0's name. If both are given, they must agree. */
	expires_at?: Date | number | null;
	communityId?: string;
};

/**
 * The key-value store, `dataStore.appData`.
 *
 * Every method promises the following. A resolved write is on disk (SQLite's `synchronous=FULL`) and survives a kill or
 * a power loss. Operations take effect in the order in which they were called. A read sees every write that was issued
 * before it, and never one that was not committed. A rejected write changed nothing.
 *
 * Every method may reject with
 * - a `TypeError` with `code: "ERR_INVALID_ARGUMENT"` and `argument`, if an argument cannot be used;
 * - a {@link RootcellarError} with `code: "ERR_STORE_CLOSED"`, after `close()`;
 * - a {@link RootcellarError} with SQLite's own code (`"SQLITE_BUSY"`, `"SQLITE_FULL"`, ...), if the file cannot be
 *   opened, read or written.
 *
 * Keys are strings of any length and content, including `""`; on PostgreSQL, of 2,000 bytes of UTF-8 at most (a community
 * 500) and without NUL. A lone surrogate cannot be stored. A finite number is taken as its decimal string. Key and value
 * together may take one billion bytes of UTF-8, SQLite's limit.
 */
export interface KeyValueStore {
	/**
	 * Reads the value of a key. Resolves with `undefined` if the key is missing or has expired.
	 *
	 * Every call returns a new object, which the caller may change.
	 *
	 * @throws {@link RootcellarError} `ERR_VALUE_NOT_JSON` if another program stored something that is not JSON.
	 *
	 * @example
	 * ```ts
	 * const profile = await dataStore.appData.get<{ xp: number }>("profile:ada");
	 * console.log(profile?.xp ?? 0);
	 * ```
	 */
	get<T>(key: string, communityId?: string): Promise<T | undefined>;

	/**
	 * Stores one entry or an array of entries. Overwrites what the keys held, including their expiry.
	 *
	 * An array of any size is written in one transaction, all or nothing. Of equal keys the last wins. An empty array
	 * resolves and does nothing. Values are converted by `JSON.stringify` at the moment of the call; a `BigInt` becomes
	 * its decimal string.
	 *
	 * @throws `TypeError` `ERR_INVALID_ARGUMENT` if the argument is no entry, the key cannot be used, the value has no
	 * JSON text (`undefined`, a function, a symbol, a circular object, a `toJSON` or getter that throws), or the expiry
	 * is not a valid date.
	 * @throws `RangeError` `ERR_TOO_LARGE` if key and value together exceed one billion bytes.
	 *
	 * @example
	 * ```ts
	 * await dataStore.appData.set({ key: "profile:ada", value: { xp: 10 } });
	 * await dataStore.appData.set([
	 *   { key: "motd", value: "hello", expiresAt: new Date(Date.now() + 60_000) },
	 *   { key: "profile:bob", value: { xp: 0 } },
	 * ]);
	 * ```
	 */
	set<T>(values: KeyValueInput<T> | KeyValueInput<T>[]): Promise<void>;

	/**
	 * Replaces the value of a key with what `updateFunc` returns, and resolves with that value. The update is atomic
	 * against every other writer of the file.
	 *
	 * `updateFunc` gets the stored value, or a copy (through JSON) of `defaultValue` if the key is missing or has expired.
	 * It must be synchronous and free of side effects. It is called once. It is called again, as often as needed, only if
	 * a writer outside this store (another process, thread or SQLite library) changed the key in between, or an earlier
	 * write of the key by this store, which was not on disk yet, is refused.
	 *
	 * @param expiresAt - Replaces the entry's expiry; `null` removes it. Without it, a live entry keeps the expiry that it has.
	 * @throws Whatever `updateFunc` throws. Then nothing changes.
	 * @throws `TypeError` `ERR_INVALID_ARGUMENT` if it returns a promise, `undefined`, or anything else that has no JSON
	 * text. Then nothing changes.
	 *
	 * @example
	 * ```ts
	 * const xp = await dataStore.appData.update<number>("xp:ada", (xp) => xp + 5, 0);
	 * ```
	 */
	update<T>(
		key: string,
		updateFunc: (data: T) => T,
		defaultValue: T,
		expiresAt?: Date | number | null,
		communityId?: string,
	): Promise<T>;

	/**
	 * Removes a key. A key that does not exist is no error.
	 *
	 * @example
	 * ```ts
	 * await dataStore.appData.delete("profile:ada");
	 * ```
	 */
	delete(key: string, communityId?: string): Promise<void>;

	/**
	 * Removes every key that matches a pattern. See {@link KeyValueStore.select} for patterns.
	 *
	 * @example
	 * ```ts
	 * await dataStore.appData.deleteLike("cooldown:%");
	 * ```
	 */
	deleteLike(keyPattern: string, communityId?: string): Promise<void>;

	/**
	 * Reads every live entry whose key matches a pattern, in the order in which the keys were first stored.
	 *
	 * Patterns are those of SQL's `LIKE`. `%` matches any run of characters, including none, and `_` matches exactly one.
	 * ASCII letters match in either case. `\%`, `\_` and `\\` stand for the character itself; a backslash before anything
	 * else is a backslash. A pattern that begins with literal text costs as much as the keys that match it, not as much
	 * as the whole store.
	 *
	 * @throws {@link RootcellarError} `ERR_VALUE_NOT_JSON` if another program stored something that is not JSON
	 * under a matching key.
	 *
	 * @example
	 * ```ts
	 * const profiles = await dataStore.appData.select<{ xp: number }>("profile:%");
	 * profiles.sort((a, b) => b.value.xp - a.value.xp);
	 * ```
	 */
	select<T>(keyPattern: string, communityId?: string): Promise<KeyValue<T>[]>;

	/**
	 * Like {@link KeyValueStore.select}, but resolves with the values alone.
	 *
	 * @example
	 * ```ts
	 * const scores = await dataStore.appData.selectValue<number>("score:%");
	 * ```
	 */
	selectValue<T>(keyPattern: string, communityId?: string): Promise<T[]>;
}

/**
 * When a key expires: one of the two, or neither for never.
 *
 * @example
 * ```ts
 * const inAMinute: Expiry = { ttlMs: 60_000 };
 * const tomorrow: Expiry = { expiresAt: new Date(Date.now() + 86_400_000) };
 * ```
 */
export interface Expiry {
	/** Milliseconds from the call. */
	ttlMs?: number;
	/** A `Date`, or milliseconds since 1970 UTC. */
	expiresAt?: Date | number;
}

/**
 * Which keys: those with a prefix, or those from one key on up to another. Without any option, every key. Keys are in the
 * order of their bytes in UTF-8, which for letters and digits of English is that of `<`.
 *
 * @example
 * ```ts
 * const scores: KeyRange = { prefix: "score:" };
 * const november: KeyRange = { start: "log:2026-11-01", end: "log:2026-12-01" };
 * ```
 */
export interface KeyRange {
	/** The beginning of the keys. It excludes the other options. */
	prefix?: string;
	/** The first key, whether it exists or not. */
	start?: string;
	/** The same, but the key itself is left out. It excludes `start`. */
	startAfter?: string;
	/** The key before which the range ends. It is left out. */
	end?: string;
}

/**
 * Options of {@link Kv.list} and {@link Kv.listKeys}.
 *
 * @example
 * ```ts
 * const newestTen: ListOptions = { prefix: "log:", reverse: true, limit: 10 };
 * ```
 */
export interface ListOptions extends KeyRange {
	/** Begins with the last key. Default: `false`. */
	reverse?: boolean;
	/** The most entries of the page, from 1 to 1,000. Default: 100. */
	limit?: number;
	/**
	 * The `cursor` of the page before. Range and `reverse` must be the same then; `limit` may differ. A cursor stays valid
	 * after a restart.
	 */
	cursor?: string | undefined;
}

/**
 * A page of a list.
 *
 * @example
 * ```ts
 * const page: Page<string> = await dataStore.kv.listKeys({ limit: 10 });
 * console.log(page.entries.length, page.cursor === undefined ? "that was all" : "there are more");
 * ```
 */
export interface Page<T> {
	/** The entries, or the keys, of this page. */
	entries: T[];
	/** The cursor to pass for the next page; `undefined` if there is none. */
	cursor: string | undefined;
}

/**
 * `dataStore.kv`: what the key-value store can do beside the methods of the SDK, on the same keys and values.
 *
 * Every method is one operation in the one order of {@link KeyValueStore} and {@link Sqlite}, promises the same, and may
 * reject in the same ways.
 *
 * @example
 * ```ts
 * const kv = dataStore.kv.community("9a8b");
 * console.log(await kv.has("cooldown:ada"));
 * ```
 */
export interface Kv {
	/**
	 * The keys of a community. `undefined` and `""` stand for the default scope.
	 *
	 * @throws `TypeError` `ERR_INVALID_ARGUMENT` at once, if the id cannot be used.
	 *
	 * @example
	 * ```ts
	 * const here = dataStore.kv.community("9a8b");
	 * console.log(await here.has("motd"));
	 * ```
	 */
	community(id: string | undefined): Kv;

	/**
	 * Adds to the number that a key holds, and resolves with the sum. A key that is missing or has expired counts as 0, and
	 * gets the expiry that `options` has; one that is there keeps its own. Atomic against every other writer of the file:
	 * of a hundred at once, each counts.
	 *
	 * Sums are those of JavaScript, and exact as long as they are integers below 2^53.
	 *
	 * @param by - What to add, 1 by default. It may be negative.
	 * @param options - `min` and `max`: the least and the greatest sum that is allowed.
	 * @throws {@link RootcellarError} `ERR_VALUE_TYPE` if the key holds something else than a number, and
	 * `ERR_VALUE_NOT_JSON` if another program stored something that is not JSON. Then nothing changes.
	 * @throws `RangeError` `ERR_OUT_OF_RANGE` if the sum lies outside of `min` and `max`, or is not finite. Then nothing
	 * changes.
	 *
	 * @example
	 * ```ts
	 * const messages = await dataStore.kv.increment("messages:ada");
	 * const today = await dataStore.kv.increment("daily:ada", 1, { ttlMs: 86_400_000 });
	 * const coins = await dataStore.kv.increment("coins:ada", -30, { min: 0 });
	 * console.log(messages, today, coins);
	 * ```
	 */
	increment(key: string, by?: number, options?: Expiry & { min?: number; max?: number }): Promise<number>;

	/**
	 * Stores an entry if its key is missing or has expired, and resolves with whether it did. Of several callers at once,
	 * also in other processes, one gets `true`.
	 *
	 * @throws As {@link KeyValueStore.set}.
	 *
	 * @example
	 * ```ts
	 * const mayAsk = await dataStore.kv.setIfAbsent({ key: "cooldown:ada", value: true, ttlMs: 30_000 });
	 * ```
	 */
	setIfAbsent<T>(entry: { key: string; value: T } & Expiry): Promise<boolean>;

	/**
	 * Removes a key, and resolves with the value that it had; with `undefined` if it is missing or has expired. Of several
	 * callers at once one gets the value.
	 *
	 * @throws {@link RootcellarError} `ERR_VALUE_NOT_JSON` if another program stored something that is not JSON. Then the
	 * key stays.
	 *
	 * @example
	 * ```ts
	 * const gift = await dataStore.kv.getAndDelete<{ coins: number }>("gift:ada");
	 * ```
	 */
	getAndDelete<T>(key: string): Promise<T | undefined>;

	/**
	 * Replaces the expiry of a key and leaves its value. Resolves with `false` if the key is missing or has expired.
	 *
	 * @param expiry - `null` for never. One that has passed removes the key.
	 *
	 * @example
	 * ```ts
	 * const isLoggedIn = await dataStore.kv.expire("session:ada", { ttlMs: 3_600_000 });
	 * await dataStore.kv.expire("trophy:ada", null);
	 * ```
	 */
	expire(key: string, expiry: Expiry | null): Promise<boolean>;

	/**
	 * Removes every key of a range, and resolves with how many there were; expired ones do not count.
	 *
	 * @param range - `{ prefix: "" }` for every key of the scope. Without any option it is a `TypeError`.
	 *
	 * @example
	 * ```ts
	 * const removed = await dataStore.kv.deleteRange({ prefix: "cooldown:" });
	 * ```
	 */
	deleteRange(range: KeyRange): Promise<number>;

	/**
	 * Changes several keys at once, all or none, and resolves with the values that they have then. The update is atomic
	 * against every other writer of the file, and takes no lock while `updateFunc` runs, except on PostgreSQL for keys that
	 * others keep changing (a second at most).
	 *
	 * `updateFunc` gets an object with the values of those keys that exist. It returns an object with those that change: a
	 * key that it leaves out stays as it is, also if its value was changed in place, and one that it sets to `undefined` is
	 * removed. Keys keep their expiry. If it returns `undefined`, nothing changes. It must be synchronous and free of side
	 * effects: it is called again whenever a writer outside this store changed any of the keys in between, or an earlier
	 * write of one by this store, which was not on disk yet, is refused.
	 *
	 * @param keys - 1,000 at most.
	 * @throws Whatever `updateFunc` throws. Then nothing changes.
	 * @throws `TypeError` `ERR_INVALID_ARGUMENT` if it returns a promise, a `Map` or anything else that is no object of
	 * values by their keys, a key that is not in `keys`, or a value that has no JSON text. Then nothing changes.
	 * @throws {@link RootcellarError} `ERR_VALUE_NOT_JSON` if another program stored something that is not JSON.
	 *
	 * @example
	 * ```ts
	 * await dataStore.kv.updateMany<{ ada: number; bob: number }>(["ada", "bob"], ({ ada = 0, bob = 0 }) => {
	 *   if (ada < 50) return undefined;
	 *   return { ada: ada - 50, bob: bob + 50 };
	 * });
	 * ```
	 */
	updateMany<T extends Record<string, unknown>>(
		keys: readonly (keyof T & string)[],
		updateFunc: (values: Partial<T>) => Partial<T> | undefined,
	): Promise<Partial<T>>;

	/**
	 * Checks whether a key exists and has not expired.
	 *
	 * @example
	 * ```ts
	 * if (await dataStore.kv.has("cooldown:ada")) console.log("not yet");
	 * ```
	 */
	has(key: string): Promise<boolean>;

	/**
	 * Reads the values of several keys, in their order, all as of one moment: a write of several keys in one call shows in
	 * all of them or in none. `undefined` stands for a key that is missing or has expired.
	 *
	 * @throws {@link RootcellarError} `ERR_VALUE_NOT_JSON` if another program stored something that is not JSON under any of
	 * the keys.
	 *
	 * @example
	 * ```ts
	 * const [ada = 0, bob = 0] = await dataStore.kv.getMany<number>(["xp:ada", "xp:bob"]);
	 * ```
	 */
	getMany<T>(keys: readonly string[]): Promise<(T | undefined)[]>;

	/**
	 * Reads the entries of a range of keys, a page at a time, in the order of the keys. Every page is one moment's, and costs
	 * what it holds, wherever it is. A key that exists all the time is in exactly one of the pages, whatever is written in
	 * between.
	 *
	 * @throws {@link RootcellarError} `ERR_VALUE_NOT_JSON` if another program stored something that is not JSON under a key
	 * of the page.
	 *
	 * @example
	 * ```ts
	 * let cursor: string | undefined;
	 * do {
	 *   const page = await dataStore.kv.list<number>({ prefix: "xp:", limit: 500, cursor });
	 *   for (const { key, value } of page.entries) console.log(key, value);
	 *   cursor = page.cursor;
	 * } while (cursor !== undefined);
	 * ```
	 */
	list<T>(options?: ListOptions): Promise<Page<KeyValue<T>>>;

	/**
	 * Like {@link Kv.list}, but with the keys alone. Either takes the other's cursors.
	 *
	 * @example
	 * ```ts
	 * const { entries: keys } = await dataStore.kv.listKeys({ prefix: "cooldown:" });
	 * ```
	 */
	listKeys(options?: ListOptions): Promise<Page<string>>;

	/**
	 * Goes through the entries of a range of keys, in the order of the keys. It reads pages as they are needed, of 1,000
	 * entries and 4 MiB at most, each as of its own moment. Nothing is held between them, so that it may be left at any
	 * time. An argument that cannot be used is reported when the first entry is asked for.
	 *
	 * @example
	 * ```ts
	 * for await (const { key, value } of dataStore.kv.entries<number>({ prefix: "xp:" })) {
	 *   if (value > 1_000) console.log(key);
	 * }
	 * ```
	 */
	entries<T>(range?: KeyRange & { reverse?: boolean }): AsyncIterableIterator<KeyValue<T>>;

	/**
	 * Counts the keys of a range, or all. It reads none of the values.
	 *
	 * @example
	 * ```ts
	 * const members = await dataStore.kv.count({ prefix: "profile:" });
	 * ```
	 */
	count(range?: KeyRange): Promise<number>;

	/**
	 * Watches keys, or every key with a prefix: gives an array of changes each time some were committed, by this store,
	 * another one, a worker thread, another process or any SQLite library. Every change has the latest state of its key;
	 * states in between may be left out, and none goes back. Operations that were issued before are no changes, those that
	 * are issued after are.
	 *
	 * Own commits are told at once, those of other processes within 250 ms, an expiry within a second, as a deletion. On
	 * PostgreSQL, what others commit is told within a second, too, or within five if more than 10,000 keys are watched. A
	 * write that leaves the value as it was is no change; but what another program writes again in other words (other spaces,
	 * `1.0` for `1`) may be told as one. After more than 10,000 changed keys, and after a restore, the change is
	 * `{ resync: true }` alone: read everything again; on PostgreSQL also after changes of more than 16 MB. Only committed
	 * states are told, and nothing is kept for later: what happens while no program watches is never told.
	 *
	 * It ends with `break`, with the `signal`, and when the store is closed. A watch that waits does not keep the process
	 * alive. Within a transaction there is none.
	 *
	 * @param options - Either `keys`, up to 1,000, or `prefix`; `""` stands for every key of the scope. A prefix takes some
	 * 250 bytes of memory for each key that it has.
	 * @throws The iterator rejects with `ERR_INVALID_ARGUMENT`, with what keeps the file from being opened or read, and with
	 * `ERR_VALUE_NOT_JSON` if another program stores something else. Then it has ended.
	 *
	 * @example
	 * ```ts
	 * for await (const changes of dataStore.kv.watch<{ xp: number }>({ prefix: "profile:" })) {
	 *   for (const change of changes) {
	 *     if ("resync" in change) console.log("read all profiles again");
	 *     else if ("deleted" in change) console.log(`${change.key} is gone`);
	 *     else console.log(`${change.key} has ${change.value.xp}`);
	 *   }
	 *   break;
	 * }
	 * ```
	 */
	watch<T>(options: WatchOptions): AsyncIterableIterator<Change<T>[]>;
}

/**
 * Options of {@link Kv.watch}: either `keys` or `prefix`.
 *
 * @example
 * ```ts
 * const options: WatchOptions = { keys: ["motd", "shop:open"], signal: AbortSignal.timeout(60_000) };
 * ```
 */
export interface WatchOptions {
	/** The keys to watch, 1 to 1,000. */
	keys?: readonly string[];
	/** The beginning of the keys to watch; `""` for every key. */
	prefix?: string;
	/** Ends the watch. */
	signal?: AbortSignal;
}

/**
 * A change that {@link Kv.watch} tells of: the value that a key has now, that it has none any more, or that all watched keys
 * are to be read again.
 *
 * @example
 * ```ts
 * function describe(change: Change<number>) {
 *   if ("resync" in change) return "anything may have changed";
 *   return "deleted" in change ? `${change.key} is gone` : `${change.key} is ${change.value}`;
 * }
 * ```
 */
export type Change<T> = { key: string; value: T } | { key: string; deleted: true } | { resync: true };

/**
 * A value that a parameter of a statement takes. A `boolean` is stored as 0 or 1, a `Date` as milliseconds since 1970
 * UTC, and a `Uint8Array` (a `Buffer` is one) as a BLOB. Anything else, including `NaN` and `undefined`, is a `TypeError`,
 * and a `bigint` of more than 64 bits a `RangeError`.
 *
 * @example
 * ```ts
 * const values: SqlValue[] = ["ada", 12.5, 2n ** 60n, true, new Date(), new Uint8Array([1, 2]), null];
 * await dataStore.sqlite.get("SELECT ?, ?, ?, ?, ?, ?, ?", values, { bigint: true });
 * ```
 */
export type SqlValue = null | string | number | bigint | boolean | Date | Uint8Array;

/**
 * The parameters of a statement: an array for `?`, an object for `:name`, `@name` or `$name`, or a single value. The
 * object's keys may have that sign or not. There must be as many as the statement has, no more and no fewer.
 *
 * @example
 * ```ts
 * await dataStore.sqlite.get("SELECT ? + ?", [1, 2]);
 * await dataStore.sqlite.get("SELECT :a + :b", { a: 1, b: 2 });
 * await dataStore.sqlite.get("SELECT ?", 1);
 * ```
 */
export type SqlParams = SqlValue | readonly SqlValue[] | { readonly [name: string]: SqlValue };

/**
 * A row whose type is not given: a value for each column, by name. Of columns with the same name, the last wins.
 *
 * @example
 * ```ts
 * const row: SqlRow | undefined = await dataStore.sqlite.get("SELECT 1 AS one");
 * console.log(row?.one);
 * ```
 */
// biome-ignore lint/suspicious/noExplicitAny: what is read may hold anything that SQLite stores.
export type SqlRow = Record<string, any>;

/**
 * Options of every method of {@link Sqlite}.
 *
 * @example
 * ```ts
 * const options: SqlOptions = { signal: AbortSignal.timeout(1_000), timeoutMs: 500 };
 * await dataStore.sqlite.run("DELETE FROM log WHERE day < ?", [20_000], options);
 * ```
 */
export interface SqlOptions {
	/**
	 * Aborts the operation. If it has not started, it has no effect; a statement that is running is interrupted. The
	 * operation then rejects with an `AbortError` (`code: "ABORT_ERR"`), whose `cause` is the signal's reason. What is
	 * already on disk stays, and resolves.
	 */
	signal?: AbortSignal;

	/**
	 * Milliseconds from the call after which the operation ends in the same way, with `ERR_TIMEOUT`. `iterate` counts them from
	 * when its first row is asked for, and `migrate` anew for each migration.
	 */
	timeoutMs?: number;
}

/**
 * Options of the methods of {@link Sqlite} that return rows.
 *
 * @example
 * ```ts
 * const options: SqlRowOptions = { rowMode: "array", bigint: true, maxRows: 10 };
 * const rows = await dataStore.sqlite.all<[bigint]>("SELECT id FROM players LIMIT 10", [], options);
 * ```
 */
export interface SqlRowOptions extends SqlOptions {
	/**
	 * The most rows to return. A query with more rejects with a `RangeError` (`ERR_TOO_MANY_ROWS`).
	 * {@link SqlMethods.iterate} has no limit. Default: 1,000,000.
	 */
	maxRows?: number;

	/**
	 * `true` returns every integer as a `bigint`. Otherwise integers are numbers, and one that a number cannot hold
	 * exactly (beyond 2^53 - 1) is not rounded: the call rejects with a `RangeError` (`ERR_INEXACT_INTEGER`). `"large"`
	 * returns such an integer as a `bigint`, and every other as a number.
	 */
	bigint?: boolean | "large";

	/** `"array"` returns each row as an array, in the order of the columns. Default: `"object"`. */
	rowMode?: "object" | "array";
}

/**
 * The result of a statement that writes.
 *
 * @example
 * ```ts
 * const insert = "INSERT INTO players (name) VALUES (?)";
 * const { changes, lastInsertRowid }: RunResult = await dataStore.sqlite.run(insert, ["ada"]);
 * console.log(changes, lastInsertRowid);
 * ```
 */
export interface RunResult {
	/** The rows that it inserted, updated or deleted itself, not through triggers or foreign keys. */
	changes: number;
	/**
	 * The row id of the last row that it inserted, or 0 if it inserted none. A `bigint` if no number holds it exactly, or
	 * if the option `bigint` is set.
	 */
	lastInsertRowid: number | bigint;
	/** The same as a number; `NaN` if no number holds it exactly. */
	lastID: number;
}

/**
 * A statement of {@link SqlMethods.batch}.
 *
 * @example
 * ```ts
 * const statement: BatchStatement = { sql: "DELETE FROM players WHERE id = ?", params: [1] };
 * await dataStore.sqlite.batch([statement]);
 * ```
 */
export interface BatchStatement {
	sql: string;
	params?: SqlParams;
}

/**
 * The result of one statement of {@link SqlMethods.batch}.
 *
 * @example
 * ```ts
 * const [result] = await dataStore.sqlite.batch<{ id: number }>([{ sql: "SELECT id FROM players" }]);
 * console.log(result?.columns, result?.rows[0]?.id);
 * ```
 */
export interface BatchResult<T = SqlRow> extends RunResult {
	/** The names of the columns of its rows; empty if the statement returns no rows. */
	columns: string[];
	/** The rows that it returned. */
	rows: T[];
}

/**
 * A statement of {@link SqlMethods.prepare}.
 *
 * @example
 * ```ts
 * await using byName = await dataStore.sqlite.prepare("SELECT * FROM players WHERE name = ?");
 * const ada = await byName.get<{ id: number }>("ada");
 * console.log(byName.columns, ada?.id);
 * ```
 */
export interface SqlStatement {
	/** Its text. */
	readonly sql: string;
	/** The names of its columns when it was prepared; empty if it returns no rows. */
	readonly columns: readonly string[];
	/** True if it leaves the file unchanged. */
	readonly readonly: boolean;
	/** {@link SqlMethods.run} */
	run(params?: SqlParams, options?: SqlOptions & Pick<SqlRowOptions, "bigint">): Promise<RunResult>;
	/** {@link SqlMethods.get} */
	get<T = SqlRow>(params?: SqlParams, options?: SqlRowOptions): Promise<T | undefined>;
	/** {@link SqlMethods.all} */
	all<T = SqlRow>(params?: SqlParams, options?: SqlRowOptions): Promise<T[]>;
	/** {@link SqlMethods.iterate} */
	iterate<T = SqlRow>(params?: SqlParams, options?: SqlRowOptions): AsyncIterableIterator<T>;
	/** Releases the statement. Later calls reject with `ERR_STATEMENT_FINALIZED`. Idempotent. */
	finalize(): Promise<void>;
	/** The same as {@link SqlStatement.finalize}, for `await using`. */
	[Symbol.asyncDispose](): Promise<void>;
}

/**
 * The methods that `dataStore.sqlite`, a transaction and a reserved connection share.
 *
 * Every method may reject as {@link KeyValueStore} does, and with
 * - a `TypeError` with `code: "ERR_INVALID_ARGUMENT"`, if there are too many or too few parameters, if one has a wrong
 *   name or a type that cannot be stored, or if the text does not hold exactly one statement;
 * - a {@link RootcellarError} with SQLite's extended code (`"SQLITE_CONSTRAINT_UNIQUE"`), and with `position` if SQLite
 *   says where in the text the error is;
 * - `ERR_SQL_FORBIDDEN`, if the statement would end durability, spoil the backup, or change the store's own tables.
 *
 * A statement that rejects had no effect. On a reserved connection there is an exception: one of `run` that ends with `FAIL`
 * (`INSERT OR FAIL`, `RAISE(FAIL)`) keeps the rows that it had written until then, as SQLite has it.
 *
 * Messages never contain parameters or stored values, except what a trigger's own `RAISE` says.
 */
export interface SqlMethods {
	/**
	 * Runs a statement, and resolves when what it wrote is on disk.
	 *
	 * Statements and key-value operations take effect in the order in which they were called. What is issued together is
	 * written together, but each stands alone: one that fails does not affect its neighbours.
	 *
	 * @example
	 * ```ts
	 * await dataStore.sqlite.run("UPDATE players SET level = level + 1 WHERE name = ?", ["ada"]);
	 * ```
	 */
	run(sql: string, params?: SqlParams, options?: SqlOptions & Pick<SqlRowOptions, "bigint">): Promise<RunResult>;

	/**
	 * Resolves with the first row of a query, or `undefined` if there is none. See {@link SqlMethods.all}.
	 *
	 * @example
	 * ```ts
	 * const ada = await dataStore.sqlite.get<{ level: number }>("SELECT level FROM players WHERE name = ?", "ada");
	 * ```
	 */
	get<T = SqlRow>(sql: string, params?: SqlParams, options?: SqlRowOptions): Promise<T | undefined>;

	/**
	 * Resolves with the rows of a query. It runs on a reader thread beside the writer, and sees every write that was issued
	 * before it.
	 *
	 * A statement that writes and returns rows (`INSERT ... RETURNING`) runs on the writer. One that writes and returns no
	 * rows rejects with `ERR_NOT_A_READ`; use {@link SqlMethods.run} for it.
	 *
	 * BLOBs are `Uint8Array`s. {@link SqlRowOptions} has the options for large integers and the limit of rows.
	 *
	 * @example
	 * ```ts
	 * const players = await dataStore.sqlite.all<{ name: string; level: number }>("SELECT name, level FROM players");
	 * const added = await dataStore.sqlite.all("INSERT INTO players (name) VALUES ('bob') RETURNING id");
	 * ```
	 */
	all<T = SqlRow>(sql: string, params?: SqlParams, options?: SqlRowOptions): Promise<T[]>;

	/**
	 * {@link SqlMethods.all} as a template: each `${value}` becomes a parameter, never part of the SQL. It also runs
	 * statements that return no rows. It takes no options; for a signal or a time limit, use `all`.
	 *
	 * @example
	 * ```ts
	 * const name = "ada'; DROP TABLE players; --";
	 * const rows = await dataStore.sqlite.sql<{ level: number }>`SELECT level FROM players WHERE name = ${name}`;
	 * ```
	 */
	sql<T = SqlRow>(strings: TemplateStringsArray, ...values: SqlValue[]): Promise<T[]>;

	/**
	 * Runs a script of any number of statements, without parameters, as a whole or not at all.
	 *
	 * A script that contains `BEGIN`, `VACUUM`, `PRAGMA foreign_keys = OFF` or the like runs statement by statement
	 * instead, as SQLite would run it: what it committed before an error stays. A transaction that it leaves open is
	 * rolled back (`ERR_TRANSACTION_LEFT_OPEN`), and what it set on the connection is reset.
	 *
	 * On a reserved connection every script runs statement by statement: what was done before an error stays, and so does a
	 * transaction that the script leaves open, and what it set.
	 *
	 * @example
	 * ```ts
	 * await dataStore.sqlite.exec(`
	 *   CREATE TABLE IF NOT EXISTS players (id INTEGER PRIMARY KEY, name TEXT UNIQUE, level INTEGER DEFAULT 1);
	 *   CREATE TABLE IF NOT EXISTS log (day INTEGER, text TEXT);
	 * `);
	 * ```
	 */
	exec(script: string, options?: SqlOptions): Promise<void>;

	/**
	 * Iterates over the rows of a query, at bounded memory: about 1,000 rows are read ahead. For results of any size.
	 *
	 * The query starts when the first row is asked for. It reads from one snapshot until the last row, or until the loop
	 * is left. Meanwhile the write-ahead log grows with what others write.
	 *
	 * @example
	 * ```ts
	 * for await (const { name } of dataStore.sqlite.iterate<{ name: string }>("SELECT name FROM players")) {
	 *   if (name === "ada") break;
	 * }
	 * ```
	 */
	iterate<T = SqlRow>(sql: string, params?: SqlParams, options?: SqlRowOptions): AsyncIterableIterator<T>;

	/**
	 * Runs statements one after the other in one transaction, all or nothing.
	 *
	 * @example
	 * ```ts
	 * const [added, counted] = await dataStore.sqlite.batch([
	 *   { sql: "INSERT INTO players (name) VALUES (?)", params: ["eve"] },
	 *   { sql: "SELECT count(*) AS n FROM players" },
	 * ]);
	 * console.log(added?.lastInsertRowid, counted?.rows[0]?.n);
	 * ```
	 */
	batch<T = SqlRow>(statements: readonly BatchStatement[], options?: SqlRowOptions): Promise<BatchResult<T>[]>;

	/**
	 * Checks a statement and returns it as an object. This is not needed for speed: statements that ran lately are kept
	 * compiled anyway.
	 *
	 * @example
	 * ```ts
	 * const insert = await dataStore.sqlite.prepare("INSERT INTO players (name) VALUES (?)");
	 * await Promise.all(["x", "y", "z"].map((name) => insert.run(name)));
	 * await insert.finalize();
	 * ```
	 */
	prepare(sql: string, options?: SqlOptions): Promise<SqlStatement>;
}

/**
 * Options of {@link Sqlite.transaction}.
 *
 * @example
 * ```ts
 * const options: TransactionOptions = { idleTimeoutMs: 5_000, timeoutMs: 20_000 };
 * await dataStore.sqlite.transaction(async (tx) => tx.run("DELETE FROM log"), options);
 * ```
 */
export interface TransactionOptions extends SqlOptions {
	/** The kind of `BEGIN` (sqlite.org/lang_transaction.html). Default: `"immediate"`. A nested transaction has none. */
	mode?: "deferred" | "immediate" | "exclusive";

	/**
	 * The time that it may wait for its next statement. It is then rolled back and rejects with `ERR_TRANSACTION_TIMEOUT`.
	 * Default: 30,000 ms; 1,000 ms once the store is being closed. A nested transaction has that of the outermost. The option
	 * `timeoutMs` limits the whole transaction, including the wait for its turn.
	 */
	idleTimeoutMs?: number;
}

/**
 * A transaction, as the callback of {@link Sqlite.transaction} gets it. Once the callback has ended or the transaction was
 * rolled back, its methods reject with `ERR_TRANSACTION_CLOSED`.
 *
 * All its statements, reads included, run on the writing connection and see what the transaction has written. `get` and
 * `all` also take statements with `RETURNING`. Statements that begin or end a transaction are refused.
 *
 * @example
 * ```ts
 * async function award(tx: Transaction, name: string) {
 *   await tx.run("UPDATE players SET level = level + 1 WHERE name = ?", [name]);
 *   await tx.appData.update<number>("awards", (count) => count + 1, 0);
 * }
 * await dataStore.sqlite.transaction((tx) => award(tx, "ada"));
 * ```
 */
export interface Transaction extends SqlMethods {
	/** The key-value store inside the transaction: rows and keys commit or roll back together. */
	readonly appData: KeyValueStore;

	/** `dataStore.kv` inside the transaction. It sees what the transaction has written. */
	readonly kv: Kv;

	/**
	 * Runs a transaction within this one, as a savepoint. It is rolled back on its own if its callback rejects.
	 *
	 * @example
	 * ```ts
	 * await dataStore.sqlite.transaction(async (tx) => {
	 *   await tx.run("INSERT INTO log (text) VALUES ('begin')");
	 *   await tx.transaction(async (inner) => inner.run("INSERT INTO players (name) VALUES ('ada')")).catch(() => {});
	 * });
	 * ```
	 */
	transaction<T>(callback: (tx: Transaction) => T | Promise<T>, options?: TransactionOptions): Promise<T>;
}

/**
 * A transaction of {@link DataStore.transaction}. On SQLite it has the methods of {@link Transaction} for SQL; on PostgreSQL
 * these reject with `ERR_NOT_ON_POSTGRES`, and `query` takes their place.
 *
 * @example
 * ```ts
 * async function visit(tx: StoreTransaction): Promise<number> {
 *   return tx.kv.increment("visits");
 * }
 * await dataStore.transaction(visit);
 * ```
 */
export interface StoreTransaction extends Omit<Transaction, "transaction"> {
	/**
	 * Runs one statement of PostgreSQL, and resolves with the rows that it returns and the number of rows that it returned or
	 * changed. On SQLite there is no such method.
	 *
	 * `$1`, `$2` and so on stand for the parameters: null, booleans, numbers, bigints, strings, Dates, Uint8Arrays, and other
	 * objects as JSON. Integers come back as numbers, `numeric` as a string, times and dates as a Date, `json` parsed, `bytea`
	 * as a Uint8Array. Of other types, such as arrays, and of times that no Date holds, such as `infinity`, select the text
	 * (`tags::text`).
	 *
	 * A statement that fails is undone, and the transaction goes on. What statements leave to the connection ends with the
	 * transaction: settings, temporary tables, cursors, advisory locks; but not behind a pooler in transaction mode.
	 *
	 * @throws {@link RootcellarError} `ERR_POSTGRES` with the `sqlState` of what the server refuses, or a function raises, of which
	 * the message is left out; `ERR_INEXACT_INTEGER` for an integer that no number holds; `ERR_SQL_FORBIDDEN` for what would end
	 * the transaction or stay behind it (`COMMIT`, `SET`, `LISTEN`), and for `COPY`; `ERR_INVALID_ARGUMENT` for another number of
	 * parameters than the statement has.
	 *
	 * @example
	 * ```ts
	 * async function rename(tx: StoreTransaction, id: number, name: string): Promise<number> {
	 *   return (await tx.query("UPDATE players SET name = $1 WHERE id = $2", [name, id])).rowCount;
	 * }
	 * ```
	 */
	query<T = Record<string, unknown>>(
		text: string,
		params?: readonly unknown[],
	): Promise<{ rows: T[]; rowCount: number }>;

	/** Runs a transaction within this one, as a savepoint. It is rolled back on its own if its callback rejects. */
	transaction<T>(callback: (tx: StoreTransaction) => T | Promise<T>, options?: TransactionOptions): Promise<T>;
}

/**
 * The writing connection, reserved by {@link Sqlite.reserve} until it is released.
 *
 * @example
 * ```ts
 * await using connection: Connection = await dataStore.sqlite.reserve();
 * await connection.run("BEGIN IMMEDIATE");
 * await connection.run("INSERT INTO log (text) VALUES ('by hand')");
 * await connection.run("COMMIT");
 * ```
 */
export interface Connection extends SqlMethods {
	/**
	 * Gives the connection back. Rolls back an open transaction and resets what was set by a `PRAGMA`. Idempotent. Later
	 * calls of its methods reject with `ERR_TRANSACTION_CLOSED`.
	 */
	release(): Promise<void>;

	/** The same as {@link Connection.release}, for `await using`. */
	[Symbol.asyncDispose](): Promise<void>;
}

/**
 * SQL on the store's file, `dataStore.sqlite`.
 *
 * @example
 * ```ts
 * const sqlite: Sqlite = dataStore.sqlite;
 * await sqlite.exec("CREATE TABLE IF NOT EXISTS players (id INTEGER PRIMARY KEY, name TEXT UNIQUE)");
 * ```
 */
export interface Sqlite extends SqlMethods {
	/**
	 * Runs a callback in a transaction. When the callback resolves, what it wrote through `tx` is committed. If it throws,
	 * that is rolled back, and the call rejects with the same error.
	 *
	 * SQLite has one writer. While the callback runs, other writes of the store and of other programs wait. Reads outside
	 * the callback go on, and see what was committed before. Inside the callback use `tx`: any other write
	 * (`dataStore.appData.set`, `dataStore.sqlite.run`) would wait for itself, so it rejects at once with
	 * `ERR_IN_TRANSACTION`. Keep the callback short, and do not await the network in it.
	 *
	 * @throws {@link RootcellarError} `ERR_TRANSACTION_TIMEOUT` if it is idle for too long, `ERR_TRANSACTION_LOST` if
	 * SQLite rolled it back when a statement failed (a full disk, an interrupted write, `INSERT OR ROLLBACK`).
	 *
	 * @example
	 * ```ts
	 * const level = await dataStore.sqlite.transaction(async (tx) => {
	 *   await tx.run("UPDATE players SET level = level + 1 WHERE name = ?", ["ada"]);
	 *   await tx.appData.set({ key: "last:levelUp", value: "ada" });
	 *   return (await tx.get<{ level: number }>("SELECT level FROM players WHERE name = ?", ["ada"]))?.level;
	 * });
	 * ```
	 */
	transaction<T>(callback: (tx: Transaction) => T | Promise<T>, options?: TransactionOptions): Promise<T>;

	/**
	 * Reserves the writing connection, for libraries that issue `BEGIN` and `COMMIT` themselves. Other writes wait until
	 * it is released. If it is idle for `idleTimeoutMs`, it is rolled back and taken back, and later calls reject.
	 *
	 * Where SQLite itself rolls back a transaction that was begun on it (a full disk, an interrupted write, `INSERT OR
	 * ROLLBACK`), the calls after it reject with `ERR_TRANSACTION_LOST` until `ROLLBACK`, so that none is committed by itself.
	 *
	 * @example
	 * ```ts
	 * const connection = await dataStore.sqlite.reserve();
	 * try {
	 *   await connection.exec("PRAGMA foreign_keys = OFF; DROP TABLE IF EXISTS old_players; PRAGMA foreign_keys = ON");
	 * } finally {
	 *   await connection.release();
	 * }
	 * ```
	 */
	reserve(options?: SqlOptions & Pick<TransactionOptions, "idleTimeoutMs">): Promise<Connection>;

	/**
	 * Applies the migrations that the file has not seen, in the order of their numbers, each in a transaction of its own.
	 * Resolves with the names of those that it applied. Migrations are SQL files named `<number>_<name>.sql`, in a folder
	 * or a list; a list may also hold `{ name, sql }`. What was applied is recorded in the file.
	 *
	 * Foreign keys are off while a migration runs, so that it can rebuild a table without losing the rows that refer to it.
	 * They are checked at its end: one that has broken a reference fails with `SQLITE_CONSTRAINT_FOREIGNKEY`.
	 *
	 * Processes that migrate at the same time wait for each other, and none applies anything twice. There are no down
	 * migrations: write another migration instead.
	 *
	 * @throws {@link RootcellarError} `ERR_MIGRATION` if one that was applied is missing, renamed or changed, if two have
	 * the same number, or if a new one comes before one that was applied. Then nothing is applied.
	 * @throws The error of a migration that fails. Nothing of it stays; those before it do.
	 *
	 * @example
	 * ```ts
	 * await dataStore.sqlite.migrate([
	 *   { name: "001_players.sql", sql: "CREATE TABLE IF NOT EXISTS players (id INTEGER PRIMARY KEY, name TEXT UNIQUE)" },
	 * ]);
	 * ```
	 */
	migrate(
		migrations: string | URL | readonly (string | URL | { name: string; sql: string })[],
		options?: SqlOptions,
	): Promise<string[]>;
}

/**
 * The location of a file, in the format of `DATABASE_CONFIG`, as the SDK types it. docs/postgres.md has that of PostgreSQL.
 *
 * @example
 * ```ts
 * const config: RootDatabaseConfig = { databaseType: "sqlite3", sqlite3: { filename: "./bot.sqlite3" } };
 * process.env.DATABASE_CONFIG = JSON.stringify(config);
 * ```
 */
export type RootDatabaseConfig = {
	databaseType: "sqlite3";
	sqlite3?: { filename: string };
};

/**
 * A state of the store that can be restored.
 *
 * @example
 * ```ts
 * const [newest]: Backup[] = await dataStore.backups.list();
 * console.log(newest?.id, newest?.createdAt.toISOString(), newest?.sizeBytes);
 * ```
 */
export interface Backup {
	/** The transaction ID: 16 hexadecimal digits, which `litestream restore -txid` takes too. Later IDs are greater. */
	readonly id: string;
	/** The time at which the state was captured. */
	readonly createdAt: Date;
	/** The compressed size, in bytes, of the file that ends with this state. An increment also needs those before it. */
	readonly sizeBytes: number;
	/** `"snapshot"` has every page of the database, `"increment"` those that have changed. */
	readonly kind: "snapshot" | "increment";
}

/**
 * The result of a restore.
 *
 * @example
 * ```ts
 * const [newest] = await dataStore.backups.list();
 * const restore: Restore = await dataStore.backups.restore({ id: newest?.id });
 * if (restore.undoId) await dataStore.backups.restore({ id: restore.undoId }); // as if it had not happened
 * ```
 */
export interface Restore {
	/** The id of the backup. */
	readonly id: string;
	/** The time at which its state was captured. */
	readonly createdAt: Date;
	/** The size of the database in bytes. */
	readonly sizeBytes: number;
	/** `false` if backups that are damaged or missing had to be left out. */
	readonly isComplete: boolean;
	/** The backups that were left out, by their names at the destination, and why. */
	readonly skipped: { readonly name: string; readonly reason: string }[];
	/** The id of the backup of the previous state, if the store itself was restored while it was open. */
	readonly undoId?: string;
	/** Why the file was restored, if that was before it was opened. */
	readonly reason?: string;
	/** The path of the previous file, if one was set aside. */
	readonly setAside?: string;
}

/**
 * The result of a trial restore of the newest state.
 *
 * @example
 * ```ts
 * const verification: Verification = await dataStore.backups.verify();
 * if (!verification.isComplete) console.error(verification.skipped);
 * ```
 */
export interface Verification extends Restore {
	/** The number of files at the destination that the state consists of. */
	readonly files: number;
}

/**
 * The progress of a restore.
 *
 * @example
 * ```ts
 * const percent = ({ doneBytes, totalBytes }: RestoreProgress) => Math.round((100 * doneBytes) / totalBytes);
 * dataStore.backups.on("progress", (progress) => console.log(percent(progress)));
 * ```
 */
export interface RestoreProgress {
	/** The bytes of backups read so far. */
	readonly doneBytes: number;
	/** The bytes of backups to read in all. */
	readonly totalBytes: number;
}

/**
 * The state of the backups.
 *
 * @example
 * ```ts
 * const status: BackupStatus = dataStore.backups.status();
 * if (status.lagMs > 60_000) console.error("backups are behind", status.lastError);
 * ```
 */
export interface BackupStatus {
	/**
	 * - `"active"`: backups are made.
	 * - `"failing"`: the last attempt failed, and is repeated.
	 * - `"conflict"`: something else writes to the destination, so backups have stopped.
	 * - `"elsewhere"`: another process makes the backups of this file.
	 * - `"starting"`: the store has just been opened.
	 * - `"closed"`: the store has not been opened yet, or was closed.
	 * - `"off"`: backups are turned off.
	 */
	readonly state: "off" | "closed" | "starting" | "active" | "elsewhere" | "failing" | "conflict";
	/** A folder or a URL, without credentials; `undefined` if backups are off. */
	readonly destination: string | undefined;
	/** The age of the oldest change not yet backed up, in milliseconds; 0 if there is none. */
	readonly lagMs: number;
	/** The time at which the newest backup of this process was captured. */
	readonly lastBackupAt: Date | undefined;
	/** The last error, even if it has been resolved since. */
	readonly lastError: { readonly code: string; readonly message: string; readonly at: Date } | undefined;
	/** The id of the newest backup. */
	readonly position: string | undefined;
	/**
	 * The bytes of committed pages that are still only in the write-ahead log (`<file>-wal`): what a copy of the file alone
	 * would lack. 0 a second after the last write. Also reported where backups are off; `undefined` while the store is not
	 * open.
	 */
	readonly logBytes: number | undefined;
	/**
	 * The path of a write-ahead log that belonged to another file, was found beside the file when it was opened, and was set
	 * aside; `undefined` if there was none.
	 */
	readonly strayLog: string | undefined;
}

/**
 * Options of {@link Backups.restore}. Without `at` and `id`, the newest state is restored.
 *
 * @example
 * ```ts
 * const options: RestoreOptions = { at: Date.now(), to: "copy.sqlite3", overwrite: true };
 * await dataStore.backups.restore(options);
 * ```
 */
export interface RestoreOptions {
	/** Restores the newest state captured at or before this time: a `Date`, or milliseconds since 1970 UTC. */
	at?: Date | number;
	/** Restores the state of the backup with this id. Not together with `at`. */
	id?: string;
	/** The path of another file to restore to, relative to the working directory. Default: the store itself. */
	to?: string;
	/**
	 * True if `to` may be replaced if it exists. A file that is open is never replaced, and neither is anything that belongs to
	 * a database or its backups. Default: `false`.
	 */
	overwrite?: boolean;
	/**
	 * Cancels the restore, which then rejects with an `AbortError`, and has changed nothing. Once the state is being put in
	 * its place, it is too late: the restore is completed, and resolves.
	 */
	signal?: AbortSignal;
}

/**
 * Options of {@link Backups.verify}.
 *
 * @example
 * ```ts
 * const options: VerifyOptions = { signal: AbortSignal.timeout(60_000) };
 * ```
 */
export interface VerifyOptions {
	/** Cancels the trial restore, which then rejects with an `AbortError`, and leaves nothing behind. */
	signal?: AbortSignal;
}

/**
 * A moment whose state there is a backup of: a `Date` or milliseconds since 1970 UTC, for the newest state captured at or
 * before that time, or the id of a backup.
 *
 * @example
 * ```ts
 * const anHourAgo: Moment = Date.now() - 60 * 60 * 1000;
 * ```
 */
export type Moment = Date | number | string;

/**
 * Options of {@link Backups.diff}.
 *
 * @example
 * ```ts
 * const options: DifferenceOptions = { at: Date.now() - 60_000, prefix: "player:", signal: AbortSignal.timeout(30_000) };
 * ```
 */
export interface DifferenceOptions {
	/** The earlier state. */
	at: Moment;
	/** The later state. Default: the file as it is now, with everything that was issued before the first use. */
	to?: Moment;
	/** Only keys of this community; `""` is the default scope. Default: those of all. */
	community?: string;
	/** Only keys that begin with this. Tables are compared all the same. */
	prefix?: string;
	/** Aborts the comparison and the iteration, which then reject with an `AbortError`. */
	signal?: AbortSignal;
	/** Called as it advances, some hundred times at most for each state and some dozen times for a million rows. */
	onProgress?: (progress: DifferenceProgress) => void;
}

/**
 * The progress of a comparison: of each state that is restored, in bytes, and of the comparison, in rows.
 *
 * @example
 * ```ts
 * const shown = ({ phase, done, total }: DifferenceProgress) => `${phase}: ${Math.round((100 * done) / total)} %`;
 * ```
 */
export interface DifferenceProgress {
	readonly phase: "restore" | "compare";
	readonly done: number;
	readonly total: number;
}

/**
 * The value and the expiry of a key in a state.
 *
 * @example
 * ```ts
 * const isExpiring = (stored: StoredValue | undefined) => stored?.expiresAt !== undefined;
 * ```
 */
export interface StoredValue {
	/** The value; `undefined` if what is stored is not JSON, because another program has stored it. */
	readonly value: unknown;
	/** The text as it is stored. */
	readonly json: string;
	/** When it expires, in milliseconds since 1970 UTC; `undefined` if it does not. */
	readonly expiresAt: number | undefined;
}

/**
 * A key that differs between two states, in its value, its expiry, or in being there. What had expired by the time of a state
 * is not there.
 *
 * @example
 * ```ts
 * const kind = ({ before, after }: KeyDifference) => (!before ? "added" : after ? "changed" : "removed");
 * ```
 */
export interface KeyDifference {
	readonly key: string;
	/** The community of the key; `undefined` for the default scope. */
	readonly community: string | undefined;
	/** Its value in the earlier state; `undefined` if it was not there. */
	readonly before: StoredValue | undefined;
	/** Its value in the later state; `undefined` if it is not there. */
	readonly after: StoredValue | undefined;
}

/**
 * The rows of a table that differ between two states. Rows are the same if they have the same primary key, or, in a table
 * without one, the same row id. Of a table with other columns, those that are in both states are compared. Virtual tables are
 * left out. A table that was renamed is one that was dropped and one that was made.
 *
 * @example
 * ```ts
 * const isDropped = ({ rowsAfter }: TableDifference) => rowsAfter === undefined;
 * ```
 */
export interface TableDifference {
	readonly name: string;
	/** The number of rows in the earlier state; `undefined` if there was no such table. */
	readonly rowsBefore: number | undefined;
	/** The number of rows in the later state; `undefined` if there is no such table. */
	readonly rowsAfter: number | undefined;
	/** The number of rows that are only in the later state. */
	readonly added: number;
	/** The number of rows that are only in the earlier state. */
	readonly removed: number;
	/** The number of rows with other values. */
	readonly changed: number;
	/** True if the table is in both states, with another definition. */
	readonly isSchemaChanged: boolean;
}

/**
 * The summary of a difference between two states.
 *
 * @example
 * ```ts
 * const isSame = ({ keys, tables }: DifferenceSummary) => keys.added + keys.removed + keys.changed + tables.length === 0;
 * ```
 */
export interface DifferenceSummary {
	/** The backup of the earlier state. */
	readonly at: { readonly id: string; readonly createdAt: Date };
	/** The backup of the later state; `undefined` if that was the file as it was then. */
	readonly to: { readonly id: string; readonly createdAt: Date } | undefined;
	/** The numbers of keys that differ, of those that the options select. */
	readonly keys: { readonly added: number; readonly removed: number; readonly changed: number };
	/** The user's tables that differ, by name. */
	readonly tables: TableDifference[];
}

/**
 * The difference of two states, {@link Backups.diff}: an iterator over the keys that differ, in the order of communities, the
 * default scope first, and of keys. The comparison begins with the first use and is complete before the first key; a
 * temporary file has what was found. Leaving the loop, or `return()`, ends it.
 *
 * @example
 * ```ts
 * const difference: Difference = dataStore.backups.diff({ at: new Date() });
 * const { keys, tables } = await difference.summary();
 * console.log(keys.changed, tables.length);
 * await difference.return?.();
 * ```
 */
export interface Difference extends AsyncIterableIterator<KeyDifference> {
	/** Resolves with the numbers, before, during or after the iteration. */
	summary(): Promise<DifferenceSummary>;

	/** The same as `return()`, for `await using`. */
	[Symbol.asyncDispose](): Promise<void>;
}

/**
 * The wanted state of a key, for {@link Backups.restoreKeys}. It can be kept as JSON.
 *
 * @example
 * ```ts
 * const entry: RestoredEntry = { key: "greeting", json: '"hello"' };
 * ```
 */
export interface RestoredEntry {
	key: string;
	/** Default: the default scope. */
	community?: string;
	/** The value as JSON text; without it, the key is not there. */
	json?: string;
	/** When it expires, in milliseconds since 1970 UTC. Default: never. */
	expiresAt?: number;
}

/**
 * Options of {@link Backups.restoreKeys}: keys of a moment, or entries, as the `undo` of a result has them.
 *
 * @example
 * ```ts
 * const options: RestoreKeysOptions = { at: new Date(), keys: ["greeting", { key: "motd", community: "0b0a5c41" }] };
 * ```
 */
export type RestoreKeysOptions = (
	| { at: Moment; keys: readonly (string | { key: string; community?: string })[] }
	| { entries: readonly RestoredEntry[] }
) & {
	/** Cancels what comes before the transaction: then it rejects with an `AbortError`, and nothing was written. */
	signal?: AbortSignal;
};

/**
 * The result of {@link Backups.restoreKeys}.
 *
 * @example
 * ```ts
 * const restored: RestoredKeys = await dataStore.backups.restoreKeys({ entries: [] });
 * await dataStore.backups.restoreKeys(restored.undo);
 * ```
 */
export interface RestoredKeys {
	/** The backup that the values come from; `undefined` if they were given. */
	readonly at: { readonly id: string; readonly createdAt: Date } | undefined;
	/** The number of keys that were set. */
	readonly set: number;
	/** The number of keys that were deleted, because they were not there, or would have expired by now. */
	readonly deleted: number;
	/** The number of keys that were already as they are to be, and were not written. */
	readonly unchanged: number;
	/** The argument of `restoreKeys` that makes the keys that were written what they were before. */
	readonly undo: { entries: RestoredEntry[] };
}

/**
 * Backup and restore, `dataStore.backups`.
 *
 * Every committed change, whoever made it, is captured within a second. (In files of more than some 100 MB it may take
 * longer.) The destination holds it in the format of Litestream 0.5, so `litestream restore` can restore it too. A file
 * that is missing, damaged or older than its backups is restored when it is opened. The previous file is kept beside it.
 *
 * Every method that asks the destination may reject with a {@link RootcellarError}: `ERR_BACKUP_OFF` if backups are
 * turned off, `ERR_BACKUP_DESTINATION` if the destination does not answer, `ERR_INVALID_CONFIG` if its address is not
 * valid.
 */
export interface Backups {
	/**
	 * Backs up at once everything issued so far, and resolves when it is safe at the destination. If nothing has changed,
	 * it resolves with the newest backup. If another process makes the backups of this file, it waits until that one has backed
	 * it up, 30 s at most. Do not await it within a transaction: it waits for the transaction's end.
	 *
	 * @throws {@link RootcellarError} `ERR_BACKUP_ELSEWHERE` if another process makes the backups of this file and has not
	 * made one in time, or backs up to another destination,
	 * `ERR_BACKUP_CONFLICT` if something else writes to the destination, `ERR_BACKUP_STATE` if there is no room beside
	 * the file, `ERR_BACKUP_NOT_FOUND` if the database is empty, `ERR_STORE_CLOSED`.
	 *
	 * @example
	 * ```ts
	 * const { id } = await dataStore.backups.create();
	 * ```
	 */
	create(): Promise<Backup>;

	/**
	 * Lists the states that can be restored, the newest first. Resolves with an empty array if there are none. Only
	 * {@link Backups.verify} proves, for the newest, that restoring works.
	 *
	 * @example
	 * ```ts
	 * for (const { id, createdAt } of await dataStore.backups.list()) console.log(id, createdAt);
	 * ```
	 */
	list(): Promise<Backup[]>;

	/**
	 * Restores the newest state captured at or before `at`, the state of the backup `id`, or the newest state.
	 *
	 * With `to`, it restores into another file, which must not exist unless `overwrite` is set. Without `to`, it restores
	 * the store itself, while it is open, also where another process makes its backups: then that process has to back up the
	 * previous state, while writes wait for it. Other connections see the result at once. Operations issued before the call take
	 * effect before it, and those issued later after it. The previous state, up to the last write of others, is backed up
	 * as `undoId`. Do not await it within a transaction: it waits for the transaction's end.
	 *
	 * @throws `TypeError` `ERR_INVALID_ARGUMENT` for an unknown option, or one that cannot be used, such as the store's own
	 * file in `to`.
	 * @throws {@link RootcellarError}
	 * - `ERR_BACKUP_NOT_FOUND` if there is no such state;
	 * - `ERR_BACKUP_DAMAGED` if it does not pass its checks;
	 * - `ERR_FILE_EXISTS` if `to` exists, is a folder, is open in a process, has the name of a log (`-wal`, `-shm`,
	 *   `-journal`), or lies in the folder of the backups or in a `.backup-state`;
	 * - `ERR_BACKUP_STATE` if a file cannot be written, the state has another page size than the store, or others keep the
	 *   store locked;
	 * - for the store itself also what {@link Backups.create} throws, because the previous state is backed up first;
	 *   `ERR_BACKUP_ELSEWHERE` only if the process that makes the backups does not back up the previous state in time, or backs
	 *   up to another destination.
	 *
	 * If it throws, nothing was changed.
	 *
	 * @example
	 * ```ts
	 * await dataStore.backups.restore({ at: new Date(), to: "as-it-is-now.sqlite3", overwrite: true });
	 * ```
	 */
	restore(options?: RestoreOptions): Promise<Restore>;

	/**
	 * Compares two states: key by key, and in numbers the rows of other tables. The states are read from backups, or, for now,
	 * from the file, in one transaction, while everybody goes on writing. Rows of the SDK's duplicates count as
	 * elsewhere: the newest has the value.
	 *
	 * The restored states lie in temporary files, beside the store or where the system has them, which are removed. Also works
	 * where the store only reads, or another process makes the backups.
	 *
	 * It does not throw: what it cannot do rejects what is awaited of it. `TypeError` `ERR_INVALID_ARGUMENT` for options that
	 * cannot be used; {@link RootcellarError} `ERR_BACKUP_NOT_FOUND` if there is no such state, `ERR_BACKUP_DAMAGED` if its
	 * backups do not pass their checks, `ERR_BACKUP_STATE` if there is no room for the temporary files; `ABORT_ERR` if it
	 * was aborted, or closed before it was complete.
	 *
	 * @example
	 * ```ts
	 * const [newest] = await dataStore.backups.list();
	 * for await (const { key, before, after } of dataStore.backups.diff({ at: newest?.id ?? new Date() })) {
	 *   console.log(key, before?.value, after?.value);
	 * }
	 * ```
	 */
	diff(options: DifferenceOptions): Difference;

	/**
	 * Makes some keys what they were at a moment, in value and expiry, by `set` and `delete` in one transaction: all of them or
	 * none. A key that was not there, or that would have expired by now, is deleted. Other keys, and tables, stay as they are.
	 * The result has what undoes it. At most 10,000 keys. Also works while another process makes the backups.
	 *
	 * Do not await it within a transaction, which it would wait for.
	 *
	 * @throws `TypeError` `ERR_INVALID_ARGUMENT` for options that cannot be used, `ERR_READ_ONLY` if the store only reads,
	 * `ERR_BACKUP_NOT_FOUND`, `ERR_BACKUP_DAMAGED` and `ERR_BACKUP_STATE` as {@link Backups.restore} into another file.
	 *
	 * @example
	 * ```ts
	 * const [newest] = await dataStore.backups.list();
	 * const { undo } = await dataStore.backups.restoreKeys({ at: newest?.id ?? Date.now(), keys: ["greeting"] });
	 * await dataStore.backups.restoreKeys(undo); // as if it had not happened
	 * ```
	 */
	restoreKeys(options: RestoreKeysOptions): Promise<RestoredKeys>;

	/**
	 * Restores the newest state into a temporary file beside the store's, with every check, and removes that file. If only
	 * some of the backups can be used, it resolves with `isComplete: false`.
	 *
	 * @throws {@link RootcellarError} `ERR_BACKUP_NOT_FOUND` if there are no backups, `ERR_BACKUP_DAMAGED` if none passes
	 * its checks, `ERR_BACKUP_STATE` if there is no room for the file.
	 *
	 * @example
	 * ```ts
	 * const { isComplete } = await dataStore.backups.verify();
	 * ```
	 */
	verify(options?: VerifyOptions): Promise<Verification>;

	/**
	 * Returns the state of the backups at once, without asking the destination.
	 *
	 * @throws {@link RootcellarError} `ERR_INVALID_CONFIG` if `DATABASE_CONFIG` or `ROOTCELLAR_BACKUP` cannot be used.
	 *
	 * @example
	 * ```ts
	 * console.log(dataStore.backups.status().lagMs);
	 * ```
	 */
	status(): BackupStatus;

	/**
	 * Calls a function on an event, and returns a function that removes the listener.
	 * - `"backup"`: a change is safe at the destination.
	 * - `"restore"`: the store was restored, possibly before it was opened.
	 * - `"failure"`: something failed; once for each new kind of failure. If nobody listens, the first failure is a warning
	 *   of the process, `ROOTCELLAR_BACKUP_FAILING`.
	 * - `"progress"`: a restore or a verification has advanced.
	 *
	 * It opens no file and does not keep the process alive. What a listener throws is an uncaught error.
	 *
	 * @throws `TypeError` `ERR_INVALID_ARGUMENT` for an unknown event, or if the listener is not a function.
	 *
	 * @example
	 * ```ts
	 * const end = dataStore.backups.on("failure", (error) => console.error(error.code));
	 * end();
	 * ```
	 */
	on(event: "backup", listener: (backup: Backup) => void): () => void;
	on(event: "restore", listener: (restore: Restore) => void): () => void;
	on(event: "failure", listener: (error: RootcellarError) => void): () => void;
	on(event: "progress", listener: (progress: RestoreProgress) => void): () => void;
}

/**
 * Options for backups.
 *
 * A process has one backup service for each file, with the options of the store that opened the file first. The hooks of
 * every store are called. {@link openDataStore} without a `filename` opens the file of {@link dataStore}; if that happens
 * before `dataStore` is first used, its options count for both.
 *
 * The hooks run on the JavaScript thread and may be asynchronous. A slow hook delays the backup or the restore. A hook that
 * throws, or has not ended after 10 s, does not prevent it, and is reported as a `"failure"` with `ERR_BACKUP_HOOK`.
 *
 * @example
 * ```ts
 * const backup: BackupOptions = {
 *   url: "/tmp/backups/my-bot",
 *   intervalMs: 500,
 *   retentionMs: 30 * 24 * 60 * 60 * 1000,
 *   shutdownTimeoutMs: 10_000,
 *   quiet: true,
 *   beforeBackup: async () => console.log("about to back up"),
 *   afterBackup: () => console.log("safe"),
 * };
 * const store = openDataStore({ filename: "test.sqlite3", backup });
 * ```
 */
export interface BackupOptions {
	/**
	 * The destination of the backups: the path of a folder, a `file:` URL, or the URL of an object store (`s3://bucket/prefix`,
	 * `gs://bucket/prefix` or `az://container/prefix`, each with `?endpoint=https://host` for a server of your own). Each
	 * database needs a destination of its own. Credentials come from the usual environment variables (`AWS_ACCESS_KEY_ID` and
	 * so on). Default: `ROOTCELLAR_BACKUP`, for the file that `DATABASE_CONFIG` names; otherwise `<filename>.backup`, a folder
	 * beside the file.
	 */
	url?: string;
	/** The longest that a change waits for its backup, in milliseconds, from 10 to ten years. Default: 1000. */
	intervalMs?: number;
	/** The time for which states stay restorable, in milliseconds, up to ten years. Default: 604,800,000, seven days. */
	retentionMs?: number;
	/**
	 * The longest that `close()` and the end of the process wait for the last backup, in milliseconds, up to ten years. This
	 * includes an end by a signal that the bot does not handle. What could not be backed up by then is backed up when the file
	 * is opened again. Default: 5000.
	 */
	shutdownTimeoutMs?: number;
	/**
	 * `true` suppresses the line on the standard error stream about a file that was restored before it was opened, and the
	 * warning about the first failure. Default: `false`.
	 */
	quiet?: boolean;
	/**
	 * Called before a state is captured. What it writes and awaits is in the backup. If nothing turns out to have changed,
	 * no backup is made and {@link BackupOptions.afterBackup} is not called.
	 */
	beforeBackup?: () => void | Promise<void>;
	/** Called when a backup is safe at the destination. What it writes is a change, and leads to another backup. */
	afterBackup?: () => void | Promise<void>;
	/** Called before the store is restored. If that is before it is opened, the store cannot be used yet. */
	beforeRestore?: () => void | Promise<void>;
	/** Called after the store was restored. If that was before it is opened, the store cannot be used yet. */
	afterRestore?: () => void | Promise<void>;
}

/**
 * A store: one SQLite file, or a database of PostgreSQL, and what is kept in it.
 *
 * @example
 * ```ts
 * async function greet(store: DataStore): Promise<string> {
 *   return (await store.appData.get<string>("greeting")) ?? "hello";
 * }
 * ```
 */
export interface DataStore {
	/** The key-value store. */
	readonly appData: KeyValueStore;

	/** The key-value store beyond the methods of the SDK. */
	readonly kv: Kv;

	/**
	 * Backup and restore. On PostgreSQL its methods reject with `ERR_NOT_ON_POSTGRES`, which `status` and `on` throw: the
	 * server has its own.
	 */
	readonly backups: Backups;

	/** SQL on the same file, off the event loop. On PostgreSQL its methods reject with `ERR_NOT_ON_POSTGRES`. */
	readonly sqlite: Sqlite;

	/**
	 * Runs a transaction, on SQLite and on PostgreSQL: what `callback` does with its `tx` is committed when it resolves, and
	 * rolled back when it rejects. Writes issued meanwhile wait for it; await nothing else of this store in it but `tx`.
	 *
	 * On PostgreSQL it runs at READ COMMITTED. What `tx.kv` and `tx.appData` read or write stays locked until it ends, also a key
	 * that was looked for by its name and is not there. Others may add keys that a `select` or a list would have found, and a
	 * `count` locks nothing.
	 *
	 * @throws {@link RootcellarError} `ERR_IN_TRANSACTION` for what would wait for itself; `ERR_TRANSACTION_TIMEOUT` if it is idle
	 * for longer than `idleTimeoutMs` (30 s by default); `ERR_TRANSACTION_LOST` if it was rolled back because the connection
	 * was lost, or others were in its way; `ERR_OUTCOME_UNKNOWN` if that is not known.
	 *
	 * @example
	 * ```ts
	 * await dataStore.transaction(async (tx) => {
	 *   await tx.kv.increment("gold:ada", -5, { min: 0 });
	 *   await tx.kv.increment("gold:bob", 5);
	 * });
	 * ```
	 */
	transaction<T>(callback: (tx: StoreTransaction) => T | Promise<T>, options?: TransactionOptions): Promise<T>;

	/**
	 * The file or the database that this store uses. Any library may open it too.
	 *
	 * Its `sqlite3` throws {@link RootcellarError} `ERR_INVALID_CONFIG` if `DATABASE_CONFIG` cannot be used, as every
	 * operation then rejects.
	 *
	 * @example
	 * ```ts
	 * console.log(dataStore.config.sqlite3.filename);
	 * ```
	 */
	readonly config: {
		/** `"pg"` on PostgreSQL, for which the SDK, whose type this is, has no name. */
		databaseType: "sqlite3";
		/** Absent on PostgreSQL. */
		sqlite3: { filename: string };
		/** Present on PostgreSQL alone: the first of the hosts, and the role with its password. */
		pg?: { host: string; port: number; username: string; password: string; name: string };
	};

	/**
	 * Finishes every operation that was issued, then releases the file. Idempotent: every call resolves when the store is
	 * closed. Operations issued later reject with `ERR_STORE_CLOSED`. Other stores on the same file stay open.
	 *
	 * A store that is not closed loses nothing. An idle store does not keep the process alive, and what was issued before
	 * `process.exit()` is written before the process ends.
	 *
	 * @example
	 * ```ts
	 * await dataStore.close();
	 * ```
	 */
	close(): Promise<void>;

	/**
	 * The same as {@link DataStore.close}, for `await using`.
	 *
	 * @example
	 * ```ts
	 * await using store = openDataStore({ filename: "test.sqlite3" });
	 * ```
	 */
	[Symbol.asyncDispose](): Promise<void>;
}

/**
 * Options of {@link openDataStore}.
 *
 * @example
 * ```ts
 * const options: DataStoreOptions = { filename: "test.sqlite3", backup: false };
 * ```
 */
export interface DataStoreOptions {
	/**
	 * The SQLite file. A relative path is resolved against the working directory at the time of the call. The file is
	 * created if it is missing, its folder is not. Default: what `DATABASE_CONFIG` says, or `./rootsdk.sqlite3`.
	 *
	 * `":memory:"`, here or in `DATABASE_CONFIG`, is a store for tests: it begins empty, no other has it, it makes no
	 * backups (options for them are a `TypeError` here), and it is gone after `close()` or the end of the process. It does
	 * everything that another does, on a file of its own, which lies in memory where the system has room for files there, and
	 * else in the folder for temporary files. `config.sqlite3.filename` is the path of that file. What a killed process leaves
	 * is removed by the next such store.
	 */
	filename?: string;

	/**
	 * Opens a file that exists only to read it. SQLite itself then refuses what writes, with `ERR_READ_ONLY`, in every
	 * method. Nothing is migrated, purged, restored or backed up; the file and its log stay as they are. It works beside a
	 * running bot, whose commits are seen at once, and where the process may not write. Default: `false`.
	 * `true` is a `TypeError` with `":memory:"`, and on PostgreSQL in the first operation.
	 *
	 * If the process may not make files beside the database, and nobody has it open, a later write by somebody else ends the
	 * store with `SQLITE_READONLY_DBMOVED`: it has to be opened again.
	 *
	 * @example
	 * ```ts
	 * await using reader = openDataStore({ filename: "test.sqlite3", readOnly: true });
	 * console.log(await reader.appData.select("profile:%"));
	 * ```
	 */
	readOnly?: boolean;

	/**
	 * The options of the backups; `false` for no backups. Default: what `ROOTCELLAR_BACKUP` says, or a folder beside the file.
	 * A path or URL in that variable is for the store that `DATABASE_CONFIG` names; `off` is for every store without a `url`.
	 */
	backup?: false | BackupOptions;

	/**
	 * The bytes that this store's read cache may take, an integer; `0` turns it off. What is read from it is never stale,
	 * whoever else writes to the file. Each entry counts as two bytes for each UTF-16 unit and 256 bytes more. The least
	 * recently used go first. Default: 67,108,864 (64 MiB).
	 */
	cacheBytes?: number;
}

/**
 * Opens a separate store, for tests and tools.
 *
 * Returns at once. The file is opened at the first operation, which rejects if that fails; the next operation tries again.
 * Stores that open the same file, under whatever name, share one engine.
 *
 * @throws `TypeError` `ERR_INVALID_ARGUMENT` for an unknown option, or an option of the wrong type.
 *
 * @example
 * ```ts
 * await using store = openDataStore({ filename: ":memory:" });
 * await store.appData.set({ key: "greeting", value: "hello" });
 * ```
 */
export function openDataStore(options?: DataStoreOptions): DataStore;

/**
 * The process-wide store. `DATABASE_CONFIG` names its file or server, and is read at the first use:
 * `{"databaseType":"sqlite3","sqlite3":{"filename":"..."}}`, with no `filename` beside `sqlite3`. The default is
 * `./rootsdk.sqlite3` in the working directory. Importing it opens no file and starts no thread.
 *
 * @example
 * ```ts
 * import { dataStore } from "rootcellar";
 * await dataStore.appData.set({ key: "greeting", value: "hello" });
 * ```
 */
export const dataStore: DataStore;

/**
 * `{ dataStore }`, so that storage code written for the SDK runs with another import line and no other change.
 *
 * @example
 * ```ts
 * import { rootServer } from "rootcellar";
 * await rootServer.dataStore.appData.delete("greeting");
 * ```
 */
export const rootServer: { readonly dataStore: DataStore };

/**
 * The error of an operation whose arguments were fine but which could not be done.
 *
 * Messages never contain a stored value. The table has every code that this package rejects with or throws. Where an error
 * is of another class, it says so.
 *
 * | code | when | what to do |
 * |---|---|---|
 * | `ERR_INVALID_ARGUMENT` | an argument cannot be used; an {@link InvalidArgumentError} | `argument` names it |
 * | `ERR_TOO_LARGE` | key and value exceed one billion bytes, or a `bigint` 64 bits; an {@link InvalidArgumentError} | store less |
 * | `ERR_STORE_CLOSED` | the store was closed | open another one |
 * | `ERR_READ_ONLY` | the store was opened with `readOnly` | open it without |
 * | `ERR_NOT_A_STORE` | with `readOnly`, the file is a database without the table of a store | correct the path |
 * | `ERR_INVALID_CONFIG` | `DATABASE_CONFIG` or the destination of backups is not valid | see the message |
 * | `ERR_BACKUP_OFF` | backups are turned off | turn them on |
 * | `ERR_BACKUP_DESTINATION` | the destination of backups cannot be used now | it is tried again; see the message |
 * | `ERR_BACKUP_CONFLICT` | something else writes to the destination | give each database its own destination |
 * | `ERR_BACKUP_NOT_FOUND` | there is no such backup | see `list()` |
 * | `ERR_BACKUP_DAMAGED` | no backup of the state passes its checks, or the file does not | restore another state |
 * | `ERR_BACKUP_ELSEWHERE` | another process makes the backups of this file, and does not do its part in time | call it in that process |
 * | `ERR_BACKUP_STATE` | a backup or restore cannot write a file, or cannot restore the store in place | see the message |
 * | `ERR_BACKUP_HOOK` | a hook threw or has not ended | correct the hook |
 * | `ERR_FILE_EXISTS` | a restore would overwrite a file, a file in use, or what belongs to a database or its backups | set `overwrite`, or name another file |
 * | `ERR_VALUE_NOT_JSON` | another program stored something that is not JSON | correct the row, or `set` or `delete` the key |
 * | `ERR_VALUE_TYPE` | `increment` of a key that holds no number | `set` a number, or use another key |
 * | `ERR_OUT_OF_RANGE` | the sum of an `increment` lies outside of `min` and `max`, or is not finite; a `RangeError` | nothing was added |
 * | `ERR_NOT_WRITTEN` | a trigger on the key-value table kept a key from being written or deleted | drop the trigger |
 * | `ERR_VALUE_TOO_LONG` | a stored value is longer than a JavaScript string can be, 2^29 units | `set` or `delete` the key |
 * | `ERR_SCHEMA_NEWER` | a newer version of this package made the file | upgrade the package |
 * | `ERR_STRAY_LOG` | the write-ahead log beside the file belongs to another file, and cannot be set aside | move it elsewhere |
 * | `ERR_NO_BINARY` | no native binary for this platform was found | the message names the package and the ways out |
 * | `ERR_NO_SDK` | `rootcellar/register` found no SDK | install one, or import `rootcellar` itself |
 * | `ERR_SDK_LOAD` | `rootcellar/register` found an SDK that does not load | see the `cause` |
 * | `ERR_SQL_FORBIDDEN` | the SQL would end durability, spoil the backup, or change the store's tables | see the message |
 * | `ERR_NOT_A_READ` | `get`, `all` or `iterate` got a statement that writes and returns no rows | use `run` |
 * | `ERR_TOO_MANY_ROWS` | a query has more rows than `maxRows`; a `RangeError` | use `iterate`, or a greater `maxRows` |
 * | `ERR_INEXACT_INTEGER` | a row has an integer that no number holds exactly; a `RangeError` | use the option `bigint`: `true`, or `"large"` for such integers alone; with `tx.query`, select `column::text` |
 * | `ABORT_ERR` | the `signal` was aborted; an `AbortError`, whose `cause` is the signal's reason | |
 * | `ERR_TIMEOUT` | the operation took longer than its `timeoutMs` | |
 * | `ERR_STATEMENT_FINALIZED` | the statement was finalized | prepare it again |
 * | `ERR_IN_TRANSACTION` | a call in the callback of a transaction would wait for that transaction | use the callback's `tx` |
 * | `ERR_TRANSACTION_TIMEOUT` | a transaction was idle for longer than `idleTimeoutMs` | do not wait in its callback |
 * | `ERR_TRANSACTION_LOST` | SQLite rolled a transaction back when a statement in it failed; or PostgreSQL did, or the connection was lost | begin it again |
 * | `ERR_TRANSACTION_CLOSED` | a transaction or a reserved connection has ended | |
 * | `ERR_TRANSACTION_LEFT_OPEN` | a script of `exec` began a transaction and did not end it | end it, or use `transaction` |
 * | `ERR_MIGRATION` | the migrations do not fit what was applied to the file | the message names the file and the problem |
 * | `ERR_NOT_ON_POSTGRES` | a method of `sqlite` or `backups` of a store on PostgreSQL | the message says what to use |
 * | `ERR_NO_SERVER` | no server that can be written to was reached for `timeoutMs`, or what was asked of it took longer | nothing was changed; the next operation tries again |
 * | `ERR_TLS` | the connection cannot be protected as asked for | see the message |
 * | `ERR_POSTGRES` | the server refused something; `sqlState` has its code | see postgresql.org/docs/current/errcodes-appendix.html |
 * | `ERR_SERVER_UNSUPPORTED` | PostgreSQL before 15, or a database in another encoding than UTF8 | use another |
 * | `ERR_ADOPTION_NEEDED` | the SDK's table on PostgreSQL has more than 100,000 rows; for `export`, `import --dry-run` and both sides of `migrate`, any rows | `npx rootcellar migrate` |
 * | `ERR_OUTCOME_UNKNOWN` | the connection was lost in a write, and the server could not be asked whether it was carried out; or a statement of `tx.query` ended the transaction | read what is there |
 * | `ERR_INTERNAL` | a defect in this package | report it; the store goes on |
 * | `SQLITE_...` | SQLite's (extended) result code: `SQLITE_BUSY`, `SQLITE_FULL`, `SQLITE_NOTADB`, ... | see sqlite.org/rescode.html |
 *
 * @example
 * ```ts
 * try {
 *   await dataStore.appData.get("greeting");
 * } catch (error) {
 *   if (error instanceof RootcellarError && error.code === "SQLITE_BUSY") console.error("try again later");
 * }
 * ```
 */
export class RootcellarError extends Error {
	/** A stable name for the kind of failure. */
	readonly code: string;
	/** The offset of the error in the SQL, in UTF-16 units, if SQLite tells. */
	readonly position?: number;
	/** The code of PostgreSQL for what it refused, such as `"42501"` (postgresql.org/docs/current/errcodes-appendix.html). */
	readonly sqlState?: string;
	/** The index of the statement of a `batch` that failed. */
	readonly statementIndex?: number;
	private constructor();
}

/**
 * The error for an argument that cannot be used: a `TypeError`, or for `ERR_TOO_LARGE` a `RangeError`, with these
 * properties.
 *
 * @example
 * ```ts
 * const { argument } = await dataStore.appData.get(undefined as never).catch((error: InvalidArgumentError) => error);
 * console.log(argument); // "key"
 * ```
 */
export interface InvalidArgumentError extends Error {
	readonly code: "ERR_INVALID_ARGUMENT" | "ERR_TOO_LARGE";
	/** The name of the argument, such as `"key"` or `"values[2].expiresAt"`. */
	readonly argument: string;
}
