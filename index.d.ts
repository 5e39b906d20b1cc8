/// <reference lib="esnext.disposable" />

/**
 * rootcellar: storage for bots written for Root.
 *
 * The key-value store of `@rootsdk/server-bot`, on the same SQLite file format, with the SDK's documented
 * promises kept: a resolved write is on disk, operations take effect in the order in which they were called,
 * and a read sees every write that was issued before it.
 *
 * @packageDocumentation
 */

/**
 * One entry of the key-value store, as it is read.
 *
 * The expiry is spelled `expiresAt` in Root's documentation and `expires_at` in SDK 0.17.0. Both are
 * accepted. An entry that has an expiry is returned with both, one that has none with neither.
 *
 * Expiry goes by the clock of the process (`Date.now()`), to the millisecond: an entry is gone when its expiry has
 * come. Its row is removed within a minute.
 *
 * @typeParam T - The type of the value; whatever `JSON.stringify` can write.
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
 * An entry as {@link KeyValueStore.set} takes it. It may name its community, which SDK 0.17.0 accepts without
 * documenting it. Rows of one community never show in another, nor in the default
 * scope, which is what an absent (or empty) `communityId` means.
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
	expiresAt?: Date | number;
	/** The same under SDK 0.17.0's name; where both are given they must agree. */
	expires_at?: Date | number;
	communityId?: string;
};

/**
 * The key-value store, `dataStore.appData`.
 *
 * Promises of every method: a resolved write is on disk (SQLite's `synchronous=FULL`) and survives a kill or
 * a power loss; operations take effect in the order in which they were called; a read sees every write issued
 * before it and never one that was not committed; a rejected write changed nothing.
 *
 * Errors of every method: a `TypeError` with `code: "ERR_INVALID_ARGUMENT"` and `argument` for an argument
 * that cannot be used; a {@link RootcellarError} with `code: "ERR_STORE_CLOSED"` after `close()`, with
 * SQLite's own code (`"SQLITE_BUSY"`, `"SQLITE_FULL"`, ...) when the file cannot be opened, read or written.
 * Nothing was written by an operation that rejects.
 *
 * Keys are strings of any length and content (also `""`), except that a lone surrogate cannot be stored. A
 * finite number is taken as its decimal string. A key and its value together have room for SQLite's limit of
 * one billion bytes of UTF-8.
 */
export interface KeyValueStore {
	/**
	 * Reads the value of a key: `undefined` if there is none or it has expired.
	 *
	 * Every call returns a value of its own, which the caller may change.
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
	 * Stores one entry or an array of entries, overwriting what the keys held, expiry included.
	 *
	 * An array of any size is written in one transaction, all or nothing; of equal keys the last wins. An
	 * empty array resolves and does nothing. Values are written as `JSON.stringify` has them, at the moment of
	 * the call; a `BigInt` becomes its decimal string.
	 *
	 * @throws `TypeError` `ERR_INVALID_ARGUMENT`: no entry, no usable key, a value that JSON has no text for
	 * (`undefined`, a function, a symbol, a circular object, a `toJSON` or getter that throws), an expiry
	 * that is no valid date.
	 * @throws `RangeError` `ERR_TOO_LARGE`: key and value together exceed one billion bytes.
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
	 * Replaces the value of a key by what `updateFunc` makes of it, atomically against every other writer of
	 * the file, and resolves with that value.
	 *
	 * `updateFunc` gets the stored value, or a copy (through JSON) of `defaultValue` if the key is missing or
	 * has expired. It must be synchronous, and free of side effects: it is called once, and again, as often as
	 * needed, only when a writer outside this store (another process, thread or SQLite library) changed the key
	 * in between.
	 *
	 * @param expiresAt - Replaces the entry's expiry. Without it, a live entry keeps the expiry that it has.
	 * @throws What `updateFunc` throws; then nothing changes.
	 * @throws `TypeError` `ERR_INVALID_ARGUMENT` if it returns a promise, `undefined`, or anything else that
	 * JSON has no text for; then nothing changes.
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
		expiresAt?: Date | number,
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
	 * Removes every key that matches a pattern; see {@link KeyValueStore.select} for patterns.
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
	 * The pattern is SQL `LIKE`: `%` stands for any run of characters, also none, `_` for exactly one, and
	 * ASCII letters match either case. `\%`, `\_` and `\\` stand for the character itself; a backslash before
	 * anything else is a backslash. A pattern that begins with literal text costs as much as the keys
	 * that match it, not as the whole store.
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
 * Where the data lies, as `DATABASE_CONFIG` has it; `databaseType` is always `"sqlite3"`.
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
	/** Its transaction number, 16 hexadecimal digits, which `litestream restore -txid` takes too. */
	readonly id: string;
	/** When the state was captured. */
	readonly createdAt: Date;
	/** The size of the file that ends with this state, compressed. An increment needs those before it, too. */
	readonly sizeBytes: number;
	readonly kind: "snapshot" | "increment";
}

/**
 * What was restored.
 *
 * @example
 * ```ts
 * const restore: Restore = await dataStore.backups.restore({ at: new Date(Date.now() - 60_000) });
 * if (restore.undoId) await dataStore.backups.restore({ id: restore.undoId }); // as if it had not happened
 * ```
 */
export interface Restore {
	/** The backup. */
	readonly id: string;
	/** When its state was captured. */
	readonly createdAt: Date;
	/** The size of the database. */
	readonly sizeBytes: number;
	/** `false` where backups that are damaged or missing had to be left out. */
	readonly isComplete: boolean;
	/** Those backups, by their names at the destination, and why. */
	readonly skipped: { readonly name: string; readonly reason: string }[];
	/** The backup of what was there before, if the store itself was restored while it was open. */
	readonly undoId?: string;
	/** Why, if a file was restored before it was opened. */
	readonly reason?: string;
	/** Where the file that was there before is now, if there was one. */
	readonly setAside?: string;
}

/**
 * A proof that the newest state can be restored.
 *
 * @example
 * ```ts
 * const verification: Verification = await dataStore.backups.verify();
 * if (!verification.isComplete) console.error(verification.skipped);
 * ```
 */
export interface Verification extends Restore {
	/** How many files at the destination it is made of. */
	readonly files: number;
}

/**
 * How backups stand.
 *
 * @example
 * ```ts
 * const status: BackupStatus = dataStore.backups.status();
 * if (status.lagMs > 60_000) console.error("backups are behind", status.lastError);
 * ```
 */
export interface BackupStatus {
	/**
	 * `active`: they are made. `failing`: the last attempt failed, and is repeated. `conflict`: something else writes
	 * to the destination, and they have stopped. `elsewhere`: another process makes those of this file. `starting` and
	 * `closed`: the store has just been opened, or not yet. `off`: there are none.
	 */
	readonly state: "off" | "closed" | "starting" | "active" | "elsewhere" | "failing" | "conflict";
	/** A folder or a URL, without credentials. */
	readonly destination: string | undefined;
	/** For how long there has been a change that is not safe; 0 if every one is. */
	readonly lagMs: number;
	readonly lastBackupAt: Date | undefined;
	/** What last went wrong, be it corrected or not. */
	readonly lastError: { readonly code: string; readonly message: string; readonly at: Date } | undefined;
	/** The id of the newest backup. */
	readonly position: string | undefined;
}

/**
 * Backup and restore, `dataStore.backups`.
 *
 * Every committed change, whoever made it, is captured within a second and kept at the destination in Litestream's
 * format (0.5), so that `litestream restore` restores it too. A file that is missing, damaged or older than its backups
 * is restored when it is opened, and what was there is kept beside it.
 *
 * Errors of every method: {@link RootcellarError} `ERR_BACKUP_OFF` if there are no backups, `ERR_BACKUP_DESTINATION` if
 * the destination does not answer.
 */
export interface Backups {
	/**
	 * Backs up what was issued until now, at once, and resolves when it is safe at the destination.
	 *
	 * @throws {@link RootcellarError} `ERR_BACKUP_ELSEWHERE` if another process makes the backups of this file,
	 * `ERR_BACKUP_CONFLICT` if something else writes to the destination.
	 *
	 * @example
	 * ```ts
	 * const { id } = await dataStore.backups.create();
	 * ```
	 */
	create(): Promise<Backup>;

	/**
	 * The states that can be restored, the newest first.
	 *
	 * @example
	 * ```ts
	 * for (const { id, createdAt } of await dataStore.backups.list()) console.log(id, createdAt);
	 * ```
	 */
	list(): Promise<Backup[]>;

	/**
	 * Restores the newest state that was captured until `at`, that of a backup by its `id`, or the newest there is.
	 *
	 * With `to`, a path, into another file, which must not exist unless `overwrite` is set. Without it the store itself,
	 * while it is open: other connections see it at once, operations that were issued before come before, and those
	 * issued later after. What was there is a backup, `undoId`.
	 *
	 * @throws {@link RootcellarError} `ERR_BACKUP_NOT_FOUND` if there is no such state, `ERR_BACKUP_DAMAGED` if it
	 * does not pass its checks, `ERR_FILE_EXISTS`.
	 *
	 * @example
	 * ```ts
	 * await dataStore.backups.restore({ at: new Date(Date.now() - 3_600_000), to: "an-hour-ago.sqlite3", overwrite: true });
	 * ```
	 */
	restore(options?: { at?: Date | number; id?: string; to?: string; overwrite?: boolean }): Promise<Restore>;

	/**
	 * Restores the newest state into a temporary file, with every check, and removes it.
	 *
	 * @example
	 * ```ts
	 * const { isComplete } = await dataStore.backups.verify();
	 * ```
	 */
	verify(): Promise<Verification>;

	/**
	 * How backups stand, without asking the destination.
	 *
	 * @example
	 * ```ts
	 * console.log(dataStore.backups.status().lagMs);
	 * ```
	 */
	status(): BackupStatus;

	/**
	 * Calls a function when a change is safe, when the store was restored, when something failed, or when a restore has
	 * come further. Returns what ends that. Does not keep the process alive.
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
	on(event: "progress", listener: (progress: { doneBytes: number; totalBytes: number }) => void): () => void;
}

/**
 * How backups are made.
 *
 * The hooks run on the JavaScript thread and may be asynchronous. A slow one delays the backup, one that throws or has
 * not ended after 10 s does not keep it from being made; `status()` tells.
 *
 * @example
 * ```ts
 * const backup: BackupOptions = { url: "/mnt/backups/bot", intervalMs: 500 };
 * const store = openDataStore({ filename: "test.sqlite3", backup });
 * ```
 */
export interface BackupOptions {
	/**
	 * Where backups go: the path of a folder, a `file:` URL, or that of an object store: `s3://bucket/prefix`,
	 * `gs://bucket/prefix`, `az://container/prefix`. Each database needs one of its own. Credentials come from the usual
	 * variables of the environment (`AWS_ACCESS_KEY_ID` and so on).
	 */
	url?: string;
	/** How long a change waits for its backup at most. Default 1000. */
	intervalMs?: number;
	/** How long states stay restorable. Default seven days. */
	retentionMs?: number;
	/** How long `close()` and the end of the process wait for the last backup. Default 5000. */
	shutdownTimeoutMs?: number;
	/** Whether to say nothing on the standard error stream when a file was restored before it was opened. */
	quiet?: boolean;
	beforeBackup?: () => void | Promise<void>;
	afterBackup?: () => void | Promise<void>;
	beforeRestore?: () => void | Promise<void>;
	afterRestore?: () => void | Promise<void>;
}

/**
 * A store: one SQLite file and what is kept in it.
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

	/** Backup and restore. */
	readonly backups: Backups;

	/**
	 * The file this store uses, which any SQLite library may open too.
	 *
	 * @throws {@link RootcellarError} `ERR_INVALID_CONFIG` if `DATABASE_CONFIG` cannot be used.
	 *
	 * @example
	 * ```ts
	 * console.log(dataStore.config.sqlite3.filename);
	 * ```
	 */
	readonly config: { databaseType: "sqlite3"; sqlite3: { filename: string } };

	/**
	 * Finishes every operation that was issued, then releases the file. Idempotent: every call resolves when
	 * the store is closed. Operations issued later reject with `ERR_STORE_CLOSED`. Other stores on the same
	 * file stay open.
	 *
	 * A store that is not closed loses nothing: an idle store does not keep the process alive, and what was
	 * issued before `process.exit()` is written before the process ends.
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
	 * The SQLite file; a relative path is taken from the working directory at the time of the call. It is
	 * created when missing, its folder is not. Default: what `DATABASE_CONFIG` says, else `./rootsdk.sqlite3`.
	 */
	filename?: string;

	/**
	 * How backups are made; `false` for none. Default: what `ROOTCELLAR_BACKUP` says (a path or URL, which is for the
	 * store that `DATABASE_CONFIG` names; or `off`, which is for every store), else a folder beside the file.
	 */
	backup?: false | BackupOptions;
}

/**
 * Opens a store of its own, for tests and tools.
 *
 * Returns at once: the file is opened at the first operation, which rejects if that fails; the next
 * operation tries again. Opening a file that is open already, under whatever name, shares one engine.
 *
 * @throws `TypeError` `ERR_INVALID_ARGUMENT` for an option of the wrong type.
 *
 * @example
 * ```ts
 * await using store = openDataStore({ filename: "test.sqlite3", backup: false });
 * await store.appData.set({ key: "greeting", value: "hello" });
 * ```
 */
export function openDataStore(options?: DataStoreOptions): DataStore;

/**
 * The process-wide store, configured by `DATABASE_CONFIG` at its first use:
 * `{"databaseType":"sqlite3","sqlite3":{"filename":"..."}}`, by default `./rootsdk.sqlite3` in the working
 * directory. Importing it opens no file and starts no thread.
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
 * What an operation rejects with when its arguments were fine but it could not be done.
 *
 * Messages never carry a stored value. Codes:
 *
 * | code | when | what to do |
 * |---|---|---|
 * | `ERR_STORE_CLOSED` | the store was closed | open another one |
 * | `ERR_INVALID_CONFIG` | `DATABASE_CONFIG` or `ROOTCELLAR_BACKUP` cannot be used | the message names what was expected |
 * | `ERR_BACKUP_OFF` | backups were turned off | turn them on |
 * | `ERR_BACKUP_DESTINATION` | the destination of backups cannot be reached, read or written | they are tried again; correct what the message names |
 * | `ERR_BACKUP_CONFLICT` | something else writes to the destination | give each database one of its own |
 * | `ERR_BACKUP_NOT_FOUND` | there is no such backup | see `list()` |
 * | `ERR_BACKUP_DAMAGED` | no backup of the state passes its checks, or the file itself does not | restore another state |
 * | `ERR_BACKUP_ELSEWHERE` | another process makes the backups of this file | ask it |
 * | `ERR_BACKUP_STATE` | a file cannot be written that a backup or restore needs | make room, or allow it |
 * | `ERR_BACKUP_HOOK` | a hook threw or has not ended | correct the hook |
 * | `ERR_FILE_EXISTS` | a restore would overwrite a file | set `overwrite`, or name another |
 * | `ERR_VALUE_NOT_JSON` | another program stored something that is not JSON | correct the row, or `set` or `delete` the key |
 * | `ERR_VALUE_TOO_LONG` | a stored value is longer than a JavaScript string can be (about 536 million characters) | `set` or `delete` the key |
 * | `ERR_SCHEMA_NEWER` | a newer version of this package made the file | upgrade the package |
 * | `ERR_NO_BINARY` | no native binary for this platform was found | the message names the package and the ways out |
 * | `ERR_NO_SDK` | `rootcellar/register` found no SDK | install one, or import `rootcellar` itself |
 * | `ERR_SDK_LOAD` | `rootcellar/register` found an SDK that does not load | see the `cause` |
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
	private constructor();
}

/**
 * What is thrown for an argument that cannot be used: a `TypeError` (for `ERR_TOO_LARGE` a `RangeError`) with
 * the properties given here.
 *
 * @example
 * ```ts
 * const { argument } = await dataStore.appData.get(undefined as never).catch((error: InvalidArgumentError) => error);
 * console.log(argument); // "key"
 * ```
 */
export interface InvalidArgumentError extends Error {
	readonly code: "ERR_INVALID_ARGUMENT" | "ERR_TOO_LARGE";
	/** The argument, as `"key"` or `"values[2].expiresAt"`. */
	readonly argument: string;
}
