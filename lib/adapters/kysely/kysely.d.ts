/**
 * Kysely on `dataStore.sqlite`, instead of on a second SQLite library. Needs `kysely` 0.28 or 0.29.
 */

import type { DataStore } from "rootcellar";

/**
 * Options of {@link RootcellarDialect}.
 *
 * @example
 * ```ts
 * import { openDataStore } from "rootcellar";
 * import type { RootcellarDialectConfig } from "rootcellar/kysely";
 *
 * const config: RootcellarDialectConfig = { dataStore: openDataStore({ filename: "./test.sqlite3" }) };
 * ```
 */
export interface RootcellarDialectConfig {
	/** The store whose file Kysely works on. Default: the process-wide one. `db.destroy()` leaves it open. */
	dataStore?: DataStore;

	/** Time that a transaction may wait for its next statement; then it is rolled back. Default: 30,000 ms. */
	idleTimeoutMs?: number;

	/**
	 * The type of integers in results. Default: `"large"`, which makes a `bigint` of one that no number holds exactly (beyond
	 * 2^53 - 1), and a number of every other. `true` makes a `bigint` of each. With `false`, rows that hold a large one reject
	 * with a `RangeError` (`ERR_INEXACT_INTEGER`).
	 */
	bigint?: boolean | "large";
}

/**
 * Dialect for Kysely.
 *
 * It speaks the SQL of Kysely's `SqliteDialect`. Statements of their own run off the event loop, reads beside each other
 * and beside a writer. A transaction has the store's writing connection to itself, from `BEGIN IMMEDIATE` on: other
 * writes of the process, `appData.set` among them, wait until it has ended. In the callback of `transaction().execute` use
 * `trx`: a write that goes past it would wait for itself, and rejects at once with `ERR_IN_TRANSACTION`. A transaction
 * that is idle for 30 seconds is rolled back (`ERR_TRANSACTION_TIMEOUT`).
 *
 * Introspection leaves the store's own tables out, unless `withInternalKyselyTables` is set.
 *
 * @example
 * ```ts
 * import { type Generated, Kysely } from "kysely";
 * import { RootcellarDialect } from "rootcellar/kysely";
 *
 * interface Database {
 *   players: { id: Generated<number>; name: string; level: number };
 * }
 * const db = new Kysely<Database>({ dialect: new RootcellarDialect() });
 * const { id } = await db.insertInto("players").values({ name: "ada", level: 1 }).returning("id").executeTakeFirstOrThrow();
 * await db.updateTable("players").set({ level: 2 }).where("id", "=", id).execute();
 * ```
 */
export class RootcellarDialect {
	constructor(config?: RootcellarDialectConfig);

	// Methods that only Kysely calls. Its types for ES modules and for CommonJS exclude each other; these fit both.
	createDriver(): any;
	createQueryCompiler(): any;
	createAdapter(): any;
	createIntrospector(db: any): any;
}
