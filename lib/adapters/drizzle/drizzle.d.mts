import type { DrizzleConfig, ExtractTablesWithRelations } from "drizzle-orm";
import type { BatchItem, BatchResponse } from "drizzle-orm/batch";
import type { MigrationConfig } from "drizzle-orm/migrator";
import type { BaseSQLiteDatabase, SQLiteTransaction, SQLiteTransactionConfig } from "drizzle-orm/sqlite-core";
import type { DataStore, KeyValueStore, RunResult } from "../../../index.js";

/** A schema, as `import * as schema` gives it. */
type Schema = Record<string, unknown>;

/** Statements that run together, and what each of them resolves with. */
type Batch = <U extends BatchItem<"sqlite">, T extends Readonly<[U, ...U[]]>>(batch: T) => Promise<BatchResponse<T>>;

/**
 * A transaction of {@link RootcellarDatabase}.
 *
 * @example
 * ```ts
 * async function rename(tx: RootcellarTransaction, id: number, name: string) {
 *   await tx.run(sql`UPDATE players SET name = ${name} WHERE id = ${id}`);
 *   await tx.appData.set({ key: `name:${id}`, value: name });
 * }
 * await db.transaction((tx) => rename(tx, 1, "ada"));
 * ```
 */
export interface RootcellarTransaction<TSchema extends Schema = Record<string, never>>
	extends Omit<SQLiteTransaction<"async", RunResult, TSchema, ExtractTablesWithRelations<TSchema>>, "transaction"> {
	/** The key-value store inside the transaction: rows and keys commit or roll back together. */
	readonly appData: KeyValueStore;

	/** A transaction within this one, as a savepoint. */
	transaction<T>(callback: (tx: RootcellarTransaction<TSchema>) => Promise<T>): Promise<T>;

	/** {@link RootcellarDatabase.batch} */
	batch: Batch;
}

/**
 * A Drizzle database on a store's file.
 *
 * Transactions begin `IMMEDIATE` unless `behavior` says otherwise. In the callback use `tx`: a write through the database
 * itself would wait for the transaction, and rejects at once (`ERR_IN_TRANSACTION`, as the `cause` of Drizzle's error).
 *
 * @example
 * ```ts
 * const db: RootcellarDatabase = drizzle();
 * await db.transaction(async (tx) => {
 *   await tx.run(sql`UPDATE players SET level = level + 1`);
 *   await tx.appData.set({ key: "levelled", value: true });
 * });
 * ```
 */
export interface RootcellarDatabase<TSchema extends Schema = Record<string, never>>
	extends Omit<BaseSQLiteDatabase<"async", RunResult, TSchema, ExtractTablesWithRelations<TSchema>>, "transaction"> {
	/** The store. */
	readonly $client: DataStore;

	transaction<T>(
		callback: (tx: RootcellarTransaction<TSchema>) => Promise<T>,
		config?: SQLiteTransactionConfig,
	): Promise<T>;

	/** Runs statements in one transaction, all or nothing, and resolves with the result of each. */
	batch: Batch;
}

/**
 * Configuration of {@link drizzle}: Drizzle's own, and the store.
 *
 * @example
 * ```ts
 * const config: RootcellarDrizzleConfig = { dataStore, logger: true };
 * ```
 */
export interface RootcellarDrizzleConfig<TSchema extends Schema = Record<string, never>>
	extends DrizzleConfig<TSchema> {
	/** Default: the process-wide `dataStore`. */
	dataStore?: DataStore;

	/**
	 * The type of integers in results. Default: `"large"`, which makes a `bigint` of one that no number holds exactly (beyond
	 * 2^53 - 1), and a number of every other. `true` makes a `bigint` of each. With `false`, rows that hold a large one reject
	 * with a `RangeError` (`ERR_INEXACT_INTEGER`).
	 */
	bigint?: boolean | "large";
}

/**
 * A Drizzle database on the process-wide `dataStore`, or on a store of one's own.
 *
 * @example
 * ```ts
 * import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
 * import { drizzle } from "rootcellar/drizzle";
 *
 * const players = sqliteTable("players", { id: integer().primaryKey(), name: text().notNull() });
 * const db = drizzle({ schema: { players } });
 * const [ada] = await db.insert(players).values({ name: "ada" }).returning();
 * ```
 */
export function drizzle<TSchema extends Schema = Record<string, never>>(
	config?: RootcellarDrizzleConfig<TSchema>,
): RootcellarDatabase<TSchema>;
export function drizzle<TSchema extends Schema = Record<string, never>>(
	dataStore: DataStore,
	config?: Omit<RootcellarDrizzleConfig<TSchema>, "dataStore">,
): RootcellarDatabase<TSchema>;

/**
 * Applies the migrations that drizzle-kit generated and that were not applied yet, in one transaction, and records them
 * in the table `__drizzle_migrations` as Drizzle's other SQLite drivers do.
 *
 * If a migration turns foreign keys off, they are off while all migrations are applied, and checked before the end.
 *
 * @throws {@link RootcellarError} `SQLITE_CONSTRAINT_FOREIGNKEY` if that check fails; nothing was applied then.
 *
 * @example
 * ```ts
 * await migrate(drizzle(), { migrationsFolder: "drizzle" });
 * ```
 */
export function migrate<TSchema extends Schema>(
	db: RootcellarDatabase<TSchema>,
	config: Omit<MigrationConfig, "migrationsSchema">,
): Promise<void>;
