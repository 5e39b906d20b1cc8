/// <reference lib="esnext.disposable" />

/**
 * rootcellar: storage for bots written for Root, in one SQLite file.
 *
 * - `dataStore.appData`, the key-value store of `@rootsdk/server-bot`, on the same file format, with the SDK's
 *   documented promises kept: a resolved write is on disk, operations take effect in the order in which they were
 *   called, and a read sees every write that was issued before it. See {@link KeyValueStore}.
 * - `dataStore.sqlite`, SQL on the same file, off the event loop. See {@link Sqlite}.
 * - `dataStore.backups`, automatic backup and restore. See {@link Backups}.
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
 * A value that a parameter of a statement takes. A `boolean` is stored as 0 or 1, a `Date` as milliseconds since 1970
 * UTC, a `Uint8Array` (a `Buffer` is one) as a BLOB. `NaN`, `undefined` and anything else is a `TypeError`.
 *
 * @example
 * ```ts
 * const values: SqlValue[] = ["ada", 12.5, 2n ** 60n, true, new Date(), new Uint8Array([1, 2]), null];
 * await dataStore.sqlite.get("SELECT ?, ?, ?, ?, ?, ?, ?", values, { bigint: true });
 * ```
 */
export type SqlValue = null | string | number | bigint | boolean | Date | Uint8Array;

/**
 * The parameters of a statement: an array for `?`, an object for `:name`, `@name` or `$name` (its keys with or without
 * that sign), or a single value. As many as the statement has, no more and no fewer.
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
 * A row whose type is not given: a value for each column, by its name. Of columns of one name the last wins.
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
	 * Aborts the operation: it has no effect if it has not started, and a statement that runs is interrupted. It then
	 * rejects with an `AbortError` (`code: "ABORT_ERR"`), whose `cause` is the signal's reason. What is on disk already
	 * stays, and resolves.
	 */
	signal?: AbortSignal;

	/** Milliseconds from the call, after which the operation ends in the same way, with `ERR_TIMEOUT`. */
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
	 * More rows than these reject with a `RangeError` (`ERR_TOO_MANY_ROWS`); a result of any size is for
	 * {@link SqlMethods.iterate}, which has no limit. Default: 1,000,000.
	 */
	maxRows?: number;

	/**
	 * `true` makes every integer a `bigint`. Without it integers are numbers, and one that a number cannot hold exactly
	 * (beyond 2^53 - 1) rejects with a `RangeError` (`ERR_INEXACT_INTEGER`) instead of being rounded.
	 */
	bigint?: boolean;

	/** `"array"` makes rows arrays in the order of the columns. Default: `"object"`. */
	rowMode?: "object" | "array";
}

/**
 * What a statement changed.
 *
 * @example
 * ```ts
 * const insert = "INSERT INTO players (name) VALUES (?)";
 * const { changes, lastInsertRowid }: RunResult = await dataStore.sqlite.run(insert, ["ada"]);
 * console.log(changes, lastInsertRowid);
 * ```
 */
export interface RunResult {
	/** Rows that it inserted, updated or deleted itself, not through triggers or foreign keys. */
	changes: number;
	/**
	 * The row id of the last row that it inserted, 0 if none. A `bigint` where no number holds it exactly, or where
	 * the option `bigint` asks for it.
	 */
	lastInsertRowid: number | bigint;
	/** The same as a number, `NaN` where none holds it exactly. */
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
 * What a statement of {@link SqlMethods.batch} did.
 *
 * @example
 * ```ts
 * const [result] = await dataStore.sqlite.batch<{ id: number }>([{ sql: "SELECT id FROM players" }]);
 * console.log(result?.columns, result?.rows[0]?.id);
 * ```
 */
export interface BatchResult<T = SqlRow> extends RunResult {
	/** The names of the columns of the rows; empty if the statement returns none. */
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
	/** The names of the columns of its rows when it was prepared; empty if it returns none. */
	readonly columns: readonly string[];
	/** Whether it leaves the file as it is. */
	readonly readonly: boolean;
	/** {@link SqlMethods.run} */
	run(params?: SqlParams, options?: SqlOptions & Pick<SqlRowOptions, "bigint">): Promise<RunResult>;
	/** {@link SqlMethods.get} */
	get<T = SqlRow>(params?: SqlParams, options?: SqlRowOptions): Promise<T | undefined>;
	/** {@link SqlMethods.all} */
	all<T = SqlRow>(params?: SqlParams, options?: SqlRowOptions): Promise<T[]>;
	/** {@link SqlMethods.iterate} */
	iterate<T = SqlRow>(params?: SqlParams, options?: SqlRowOptions): AsyncIterableIterator<T>;
	/** Ends its use. Later calls reject with `ERR_STATEMENT_FINALIZED`. Idempotent. */
	finalize(): Promise<void>;
	/** The same as {@link SqlStatement.finalize}, for `await using`. */
	[Symbol.asyncDispose](): Promise<void>;
}

/**
 * SQL, as `dataStore.sqlite`, a transaction and a reserved connection have it.
 *
 * Errors of every method, beside those of {@link KeyValueStore}: a `TypeError` with `code: "ERR_INVALID_ARGUMENT"` for
 * parameters that are too many, too few, misnamed or of a type that cannot be stored, and for a text that holds no
 * statement or two; a {@link RootcellarError} with SQLite's extended code (`"SQLITE_CONSTRAINT_UNIQUE"`), and with
 * `position` where SQLite tells where in the text it stumbled; `ERR_SQL_FORBIDDEN` for what would end durability, spoil
 * the backup, or change the store's own tables. A statement that rejects had no effect. Messages never carry parameters
 * or stored values, except what a trigger's own `RAISE` says.
 */
export interface SqlMethods {
	/**
	 * Runs a statement, and resolves when what it wrote is on disk.
	 *
	 * Statements and key-value operations take effect in the order in which they were called, and what is issued
	 * together is written together, each on its own: one that fails leaves its neighbours alone.
	 *
	 * @example
	 * ```ts
	 * await dataStore.sqlite.run("UPDATE players SET level = level + 1 WHERE name = ?", ["ada"]);
	 * ```
	 */
	run(sql: string, params?: SqlParams, options?: SqlOptions & Pick<SqlRowOptions, "bigint">): Promise<RunResult>;

	/**
	 * The first row of a query, `undefined` if there is none. See {@link SqlMethods.all}.
	 *
	 * @example
	 * ```ts
	 * const ada = await dataStore.sqlite.get<{ level: number }>("SELECT level FROM players WHERE name = ?", "ada");
	 * ```
	 */
	get<T = SqlRow>(sql: string, params?: SqlParams, options?: SqlRowOptions): Promise<T | undefined>;

	/**
	 * The rows of a query. It runs on a reader thread beside the writer, and sees every write that was issued before it.
	 *
	 * A statement that writes and returns rows (`INSERT ... RETURNING`) is carried out by the writer. One that writes
	 * and returns none rejects with `ERR_NOT_A_READ`: that is for {@link SqlMethods.run}.
	 *
	 * BLOBs are `Uint8Array`s. See {@link SqlRowOptions} for large integers, and for the limit of rows.
	 *
	 * @example
	 * ```ts
	 * const players = await dataStore.sqlite.all<{ name: string; level: number }>("SELECT name, level FROM players");
	 * const added = await dataStore.sqlite.all("INSERT INTO players (name) VALUES ('bob') RETURNING id");
	 * ```
	 */
	all<T = SqlRow>(sql: string, params?: SqlParams, options?: SqlRowOptions): Promise<T[]>;

	/**
	 * {@link SqlMethods.all} as a template: each `${value}` becomes a parameter, never part of the SQL. Also for
	 * statements that return no rows. It takes no options: where a signal or a time limit is needed, use `all`.
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
	 * A script that holds `BEGIN`, `VACUUM`, `PRAGMA foreign_keys = OFF` or the like runs statement by statement
	 * instead, as SQLite would: what it has committed before an error stays. A transaction that it leaves open is rolled
	 * back (`ERR_TRANSACTION_LEFT_OPEN`), and what it has set on the connection is reset.
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
	 * The rows of a query one by one, at bounded memory: about 1,000 are read ahead. For results of any size.
	 *
	 * The query starts when the first row is asked for, and reads from one snapshot until the last, or until the loop is
	 * left. Meanwhile the write-ahead log grows with what others write.
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
	 * Checks a statement, and makes an object of it. It is not needed for speed: every statement that was run lately is
	 * kept compiled.
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
	/** How it begins (sqlite.org/lang_transaction.html). Default: `"immediate"`. Of no meaning to a nested one. */
	mode?: "deferred" | "immediate" | "exclusive";

	/**
	 * How long it may be idle, waiting for the next statement, until it is rolled back and rejects with
	 * `ERR_TRANSACTION_TIMEOUT`: others wait for it. Default: 30,000 ms; 1,000 once the store is being closed. The
	 * option `timeoutMs` bounds all of it, waiting for its turn included.
	 */
	idleTimeoutMs?: number;
}

/**
 * A transaction, as the callback of {@link Sqlite.transaction} is given it. When the callback has ended, or the
 * transaction was rolled back, its methods reject with `ERR_TRANSACTION_CLOSED`.
 *
 * All its statements, also those that read, run on the writing connection and see what it has written. `get` and `all`
 * take statements with `RETURNING`, too. Statements that begin or end a transaction are refused.
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

	/**
	 * A transaction within this one, as a savepoint: rolled back on its own when its callback rejects.
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
	 * Gives the connection back: rolls back what is open, and resets what was set by a `PRAGMA`. Idempotent. Later
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
	 * Runs a callback in a transaction: what it wrote through `tx` is committed when it resolves, and rolled back when
	 * it throws, whose error the call then rejects with.
	 *
	 * SQLite has one writer. While the callback runs, other writes of the store, and of other programs, wait; reads
	 * outside of it go on, and see what was committed before. Inside the callback use `tx`: a write that goes past it
	 * (`dataStore.appData.set`, `dataStore.sqlite.run`) would wait for itself, and rejects at once with
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
	 * it is released, or was idle for `idleTimeoutMs`: it is then rolled back and taken back, and later calls reject.
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
	 * Applies, in the order of their numbers, the migrations that the file has not seen, each in a transaction of its
	 * own, and resolves with the names of those that it applied. They are SQL files named `<number>_<name>.sql`, in a
	 * folder or a list; a list may also hold `{ name, sql }`. What was applied is recorded in the file.
	 *
	 * Processes that migrate at the same time wait for each other, and none applies anything twice. There is no way
	 * down: write another migration.
	 *
	 * @throws {@link RootcellarError} `ERR_MIGRATION` if one that was applied is missing, renamed or changed, if two
	 * have one number, or a new one comes before one that was applied; then nothing is applied. If a migration fails,
	 * with its code, and nothing of it stays; those before it do.
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
	/** Its transaction number, 16 hexadecimal digits, which `litestream restore -txid` takes too. Later ones are greater. */
	readonly id: string;
	/** When the state was captured. */
	readonly createdAt: Date;
	/** The size in bytes of the file that ends with this state, compressed. An increment needs those before it, too. */
	readonly sizeBytes: number;
	/** `"snapshot"`: every page of the database; `"increment"`: those that have changed. */
	readonly kind: "snapshot" | "increment";
}

/**
 * What was restored.
 *
 * @example
 * ```ts
 * const [newest] = await dataStore.backups.list();
 * const restore: Restore = await dataStore.backups.restore({ id: newest?.id });
 * if (restore.undoId) await dataStore.backups.restore({ id: restore.undoId }); // as if it had not happened
 * ```
 */
export interface Restore {
	/** The backup. */
	readonly id: string;
	/** When its state was captured. */
	readonly createdAt: Date;
	/** The size of the database in bytes. */
	readonly sizeBytes: number;
	/** `false` where backups that are damaged or missing had to be left out. */
	readonly isComplete: boolean;
	/** Those backups, by their names at the destination, and why. */
	readonly skipped: { readonly name: string; readonly reason: string }[];
	/** The backup of what was there before, if the store itself was restored while it was open. */
	readonly undoId?: string;
	/** Why, if a file was restored before it was opened. */
	readonly reason?: string;
	/** The path of the file that was there before, if one was set aside. */
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
 * How far a restore has come.
 *
 * @example
 * ```ts
 * const percent = ({ doneBytes, totalBytes }: RestoreProgress) => Math.round((100 * doneBytes) / totalBytes);
 * dataStore.backups.on("progress", (progress) => console.log(percent(progress)));
 * ```
 */
export interface RestoreProgress {
	/** Bytes of backups that were read. */
	readonly doneBytes: number;
	/** Bytes of backups that there are to read. */
	readonly totalBytes: number;
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
	 * - `"active"`: they are made.
	 * - `"failing"`: the last attempt failed, and is repeated.
	 * - `"conflict"`: something else writes to the destination, and they have stopped.
	 * - `"elsewhere"`: another process makes those of this file.
	 * - `"starting"`: the store has just been opened. `"closed"`: it has not been opened, or was closed.
	 * - `"off"`: there are none.
	 */
	readonly state: "off" | "closed" | "starting" | "active" | "elsewhere" | "failing" | "conflict";
	/** A folder or a URL, without credentials; `undefined` if backups are off. */
	readonly destination: string | undefined;
	/** For how many milliseconds there has been a change that is not safe; 0 if every one that was seen is. */
	readonly lagMs: number;
	/** When the newest backup of this process was captured. */
	readonly lastBackupAt: Date | undefined;
	/** What last went wrong, be it corrected or not. */
	readonly lastError: { readonly code: string; readonly message: string; readonly at: Date } | undefined;
	/** The id of the newest backup. */
	readonly position: string | undefined;
}

/**
 * Options of {@link Backups.restore}. Without `at` and `id` it is the newest state.
 *
 * @example
 * ```ts
 * const options: RestoreOptions = { at: Date.now(), to: "copy.sqlite3", overwrite: true };
 * await dataStore.backups.restore(options);
 * ```
 */
export interface RestoreOptions {
	/** The newest state that was captured at this time or before: a `Date`, or milliseconds since 1970 UTC. */
	at?: Date | number;
	/** The state of a backup, by its id. Not together with `at`. */
	id?: string;
	/** The path of another file to restore to, from the working directory. Default: the store itself. */
	to?: string;
	/**
	 * Whether `to` may be replaced if it exists. Default: `false`. A file that is open is never replaced, nor what belongs
	 * to a database or to its backups.
	 */
	overwrite?: boolean;
}

/**
 * Backup and restore, `dataStore.backups`.
 *
 * Every committed change, whoever made it, is captured within a second (in files of up to some 100 MB; larger ones may
 * take longer) and kept at the destination in Litestream's format (0.5), so that `litestream restore` restores it too.
 * A file that is missing, damaged or older than its backups is restored when it is opened, and what was there is kept
 * beside it.
 *
 * Errors of every method that asks the destination: {@link RootcellarError} `ERR_BACKUP_OFF` if there are no backups,
 * `ERR_BACKUP_DESTINATION` if the destination does not answer, `ERR_INVALID_CONFIG` if it is not named as it has to be.
 */
export interface Backups {
	/**
	 * Backs up what was issued until now, at once, and resolves when it is safe at the destination; with the newest
	 * backup, if nothing has changed since. Not to be awaited within a transaction, whose end it waits for.
	 *
	 * @throws {@link RootcellarError} `ERR_BACKUP_ELSEWHERE` if another process makes the backups of this file,
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
	 * The states that there are backups of, the newest first. An empty array if there are none. That they can be restored
	 * is what {@link Backups.verify} proves, of the newest.
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
	 * issued later after. What was there, up to the last write of others, is a backup, `undoId`. Not to be awaited
	 * within a transaction, whose end it waits for.
	 *
	 * @throws `TypeError` `ERR_INVALID_ARGUMENT` for an option that cannot be used, such as the store's own file in `to`, or
	 * that there is not.
	 * @throws {@link RootcellarError} `ERR_BACKUP_NOT_FOUND` if there is no such state, `ERR_BACKUP_DAMAGED` if it
	 * does not pass its checks, `ERR_FILE_EXISTS` if `to` exists, is a folder or open in a process, has the name of a
	 * log (`-wal`, `-shm`, `-journal`), or lies in the folder of the backups or in a `.backup-state`, `ERR_BACKUP_STATE` if
	 * a file cannot be written, the state has another page size than the store, or others keep that locked. Of the store
	 * itself also what {@link Backups.create} throws, for what is there is backed up first. Nothing was changed then.
	 *
	 * @example
	 * ```ts
	 * await dataStore.backups.restore({ at: new Date(), to: "as-it-is-now.sqlite3", overwrite: true });
	 * ```
	 */
	restore(options?: RestoreOptions): Promise<Restore>;

	/**
	 * Restores the newest state into a temporary file beside the store's, with every check, and removes it.
	 *
	 * @throws {@link RootcellarError} `ERR_BACKUP_NOT_FOUND` if there are no backups, `ERR_BACKUP_DAMAGED` if none passes
	 * its checks, `ERR_BACKUP_STATE` if there is no room for the file. Where only a part of them can be used it resolves,
	 * with `isComplete: false`.
	 *
	 * @example
	 * ```ts
	 * const { isComplete } = await dataStore.backups.verify();
	 * ```
	 */
	verify(): Promise<Verification>;

	/**
	 * How backups stand, at once, without asking the destination.
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
	 * Calls a function when a change is safe, when the store was restored, also before it was opened, when something
	 * failed (once for each new kind of failure), or when a restore or a verification has come further. Where nobody
	 * listens to `"failure"`, the first one is a warning of the process, `ROOTCELLAR_BACKUP_FAILING`. Returns what ends
	 * that. Opens no file, and does not keep the process alive. What a listener throws is an uncaught error.
	 *
	 * @throws `TypeError` `ERR_INVALID_ARGUMENT` for another event, or for no function.
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
 * How backups are made.
 *
 * A process has one backup service for each file, with the options of the store that opened it first; each store's hooks
 * are called. {@link openDataStore} without a `filename` is on the file of {@link dataStore}: opened before that is
 * first used, its options are those of both.
 *
 * The hooks run on the JavaScript thread and may be asynchronous. A slow one delays the backup or the restore; one that
 * throws, or has not ended after 10 s, does not keep it from being made, and is a `"failure"` with `ERR_BACKUP_HOOK`.
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
	 * Where backups go: the path of a folder, a `file:` URL, or that of an object store: `s3://bucket/prefix`,
	 * `gs://bucket/prefix`, `az://container/prefix`, each with `?endpoint=https://host` for a server of one's own. Each
	 * database needs one of its own. Credentials come from the usual variables of the environment (`AWS_ACCESS_KEY_ID`
	 * and so on). Default: what `ROOTCELLAR_BACKUP` says, for the file that `DATABASE_CONFIG` names; else a folder
	 * beside the file, `<filename>.backup`.
	 */
	url?: string;
	/** How many milliseconds a change waits for its backup at most, from 10 to ten years. Default: 1000. */
	intervalMs?: number;
	/** For how many milliseconds states stay restorable, up to ten years. Default: 604,800,000, seven days. */
	retentionMs?: number;
	/**
	 * How many milliseconds `close()` and the end of the process, also by a signal that the bot does not handle, wait
	 * for the last backup, up to ten years. What could not be backed up by then is when the file is opened again.
	 * Default: 5000.
	 */
	shutdownTimeoutMs?: number;
	/**
	 * Whether to say nothing on the standard error stream when a file was restored before it was opened, and not to warn
	 * of the first failure. Default: `false`.
	 */
	quiet?: boolean;
	/**
	 * Called before a state is captured. What it writes and awaits is in the backup. Where it then turns out that nothing
	 * has changed there is none, and {@link BackupOptions.afterBackup} is not called.
	 */
	beforeBackup?: () => void | Promise<void>;
	/** Called when a backup is safe at the destination. What it writes is a change, and leads to another backup. */
	afterBackup?: () => void | Promise<void>;
	/** Called before the store is restored, also when that is before it is opened: then the store cannot be used yet. */
	beforeRestore?: () => void | Promise<void>;
	/** Called when the store was restored. When that was before it is opened, the store cannot be used yet. */
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

	/** SQL on the same file, off the event loop. */
	readonly sqlite: Sqlite;

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
	 * store that `DATABASE_CONFIG` names; or `off`, which is for every store without a `url`), else a folder beside the
	 * file.
	 */
	backup?: false | BackupOptions;

	/**
	 * Bytes that the read cache of this store may take, an integer; `0` turns it off. Default: 67,108,864 (64 MiB). What
	 * is read from it is never stale, whoever else writes to the file. Entries count at two bytes for each UTF-16 unit
	 * and 256 bytes beside; those that were not used for longest go first.
	 */
	cacheBytes?: number;
}

/**
 * Opens a store of its own, for tests and tools.
 *
 * Returns at once: the file is opened at the first operation, which rejects if that fails; the next
 * operation tries again. Opening a file that is open already, under whatever name, shares one engine.
 *
 * @throws `TypeError` `ERR_INVALID_ARGUMENT` for an option of the wrong type, or with a name that is none.
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
 * Messages never carry a stored value. Every code that this package rejects with or throws, also those of other classes
 * where that is said:
 *
 * | code | when | what to do |
 * |---|---|---|
 * | `ERR_INVALID_ARGUMENT` | an argument cannot be used; an {@link InvalidArgumentError} | its `argument` names it |
 * | `ERR_TOO_LARGE` | key and value exceed one billion bytes; an {@link InvalidArgumentError} | store less |
 * | `ERR_STORE_CLOSED` | the store was closed | open another one |
 * | `ERR_INVALID_CONFIG` | `DATABASE_CONFIG` or the destination of backups is not as it has to be | see the message |
 * | `ERR_BACKUP_OFF` | backups were turned off | turn them on |
 * | `ERR_BACKUP_DESTINATION` | the destination of backups cannot be used now | it is tried again; see the message |
 * | `ERR_BACKUP_CONFLICT` | something else writes to the destination | give each database one of its own |
 * | `ERR_BACKUP_NOT_FOUND` | there is no such backup | see `list()` |
 * | `ERR_BACKUP_DAMAGED` | no backup of the state passes its checks, or the file does not | restore another state |
 * | `ERR_BACKUP_ELSEWHERE` | another process makes the backups of this file | ask it |
 * | `ERR_BACKUP_STATE` | a backup or restore cannot write a file, or not restore the store in place | see the message |
 * | `ERR_BACKUP_HOOK` | a hook threw or has not ended | correct the hook |
 * | `ERR_FILE_EXISTS` | a restore would overwrite a file, one that is in use, or what belongs to a database or its backups | set `overwrite`, or name another |
 * | `ERR_VALUE_NOT_JSON` | another program stored something that is not JSON | correct the row, or `set` or `delete` the key |
 * | `ERR_VALUE_TOO_LONG` | a stored value is longer than a JavaScript string can be, 2^29 units | `set` or `delete` the key |
 * | `ERR_SCHEMA_NEWER` | a newer version of this package made the file | upgrade the package |
 * | `ERR_NO_BINARY` | no native binary for this platform was found | the message names the package and the ways out |
 * | `ERR_NO_SDK` | `rootcellar/register` found no SDK | install one, or import `rootcellar` itself |
 * | `ERR_SDK_LOAD` | `rootcellar/register` found an SDK that does not load | see the `cause` |
 * | `ERR_SQL_FORBIDDEN` | SQL that would end durability, spoil the backup, or change the store's tables | see the message |
 * | `ERR_NOT_A_READ` | `get`, `all` or `iterate` of a statement that writes and returns no rows | use `run` |
 * | `ERR_TOO_MANY_ROWS` | a query has more rows than `maxRows`; a `RangeError` | use `iterate`, or a greater `maxRows` |
 * | `ERR_INEXACT_INTEGER` | no number holds an integer of a row exactly; a `RangeError` | use the option `bigint` |
 * | `ABORT_ERR` | the `signal` was aborted; an `AbortError`, whose `cause` is the signal's reason | |
 * | `ERR_TIMEOUT` | the operation took longer than its `timeoutMs` | |
 * | `ERR_STATEMENT_FINALIZED` | the statement was finalized | prepare it again |
 * | `ERR_IN_TRANSACTION` | in the callback of a transaction, what would wait for it | use the callback's `tx` |
 * | `ERR_TRANSACTION_TIMEOUT` | a transaction was idle for longer than `idleTimeoutMs` | do not wait in its callback |
 * | `ERR_TRANSACTION_LOST` | SQLite rolled a transaction back when a statement in it failed | begin it again |
 * | `ERR_TRANSACTION_CLOSED` | a transaction or a reserved connection has ended | |
 * | `ERR_TRANSACTION_LEFT_OPEN` | a script of `exec` began a transaction and did not end it | end it, or use `transaction` |
 * | `ERR_MIGRATION` | migrations that do not fit what was applied to the file | the message names the file and the problem |
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
	/** Where in the SQL the error is, in UTF-16 units, if SQLite tells. */
	readonly position?: number;
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
