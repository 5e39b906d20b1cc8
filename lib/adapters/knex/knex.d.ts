/**
 * Knex on `dataStore.sqlite`, instead of on a second SQLite library. Needs `knex` 3.
 */

import { Knex } from "knex";
import type { DataStore } from "rootcellar";

/**
 * Client for Knex. It builds the SQL of Knex's own client for SQLite.
 *
 * `connection` names the store: left out, it is the process-wide one, which `knex.destroy()` leaves open;
 * `{ dataStore: store }`, or the store itself, is one that you have opened; `{ filename }` opens a store for Knex alone.
 *
 * Statements of their own run off the event loop, reads beside each other and beside a writer, so that `pool` can be left
 * out. A transaction has the store's writing connection to itself, from `BEGIN IMMEDIATE` on, and other writes of the
 * process wait until it has ended. Within the callback of `knex.transaction` use `trx`: a write that goes past it would
 * wait for itself, and rejects at once with `ERR_IN_TRANSACTION`. A transaction that is idle for 30 seconds is rolled
 * back (`ERR_TRANSACTION_TIMEOUT`).
 *
 * An integer beyond 2^53 - 1 rejects with a `RangeError` instead of being rounded, unless the query has
 * `.options({ safeIntegers: true })`, which makes every integer a `bigint`. Streams are read no faster than they are used.
 * `.timeout(ms, { cancel: true })` interrupts the statement.
 *
 * Knex puts the values of parameters in the messages of errors; its setting `compileSqlOnError: false` keeps them out.
 *
 * @example
 * ```ts
 * import knex from "knex";
 * import RootcellarClient from "rootcellar/knex";
 *
 * const db = knex({ client: RootcellarClient, useNullAsDefault: true });
 * await db.schema.createTable("tasks", (table) => {
 *   table.increments("id");
 *   table.string("title").notNullable();
 * });
 * const [task] = await db("tasks").insert({ title: "water the plants" }).returning("*");
 * ```
 */
declare class RootcellarClient extends Knex.Client {}

declare namespace RootcellarClient {
	/** Named export: `import { RootcellarClient } from "rootcellar/knex"`. */
	const RootcellarClient: typeof import("rootcellar/knex");

	/**
	 * Type of `connection`. Knex's own type has no stores, so that this has to be asserted, as in
	 * `connection: { dataStore: store } as ConnectionConfig & Knex.StaticConnectionConfig`.
	 */
	interface ConnectionConfig {
		/** A store that you have opened. */
		dataStore?: DataStore;
		/** The file of a store that is opened for Knex alone, and closed by `knex.destroy()`. */
		filename?: string;

		/** Time that a transaction may wait for its next statement; then it is rolled back. Default: 30,000 ms. */
		idleTimeoutMs?: number;
	}
}

export = RootcellarClient;
