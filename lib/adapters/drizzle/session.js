"use strict";

/**
 * Creates the session of Drizzle's SQLite proxy driver over `dataStore.sqlite`.
 *
 * Drizzle comes as an ES module and as CommonJS, each with classes of its own; `drizzle.mjs` and `drizzle.js` pass
 * theirs, so that an error is an instance of the class that the bot imports.
 *
 * @param {any} proxy the module `drizzle-orm/sqlite-proxy`
 */
function createSessionClasses({ RemotePreparedQuery, SQLiteProxyTransaction, SQLiteRemoteSession }) {
	/** Statements run on `sqlite`: a store's, or that of a transaction. */
	class DrizzleSession extends SQLiteRemoteSession {
		/**
		 * @param {any} sqlite
		 * @param {any} dialect
		 * @param {any} schema
		 * @param {any} options
		 */
		constructor(sqlite, dialect, schema, options) {
			super(clientOf(sqlite, options, "array"), dialect, schema, undefined, options);
			this.sqlite = sqlite;
			this.options = options;
		}

		/**
		 * Asks for rows as arrays where Drizzle maps them to fields itself. Rows of raw SQL are passed on as objects.
		 *
		 * @param {any} query
		 * @param {any} fields
		 * @param {any} method
		 * @param {any} isArrayMode
		 * @param {any} mapper
		 * @param {any} metadata
		 * @param {any} cacheConfig
		 */
		prepareQuery(query, fields, method, isArrayMode, mapper, metadata, cacheConfig) {
			const client = clientOf(this.sqlite, this.options, fields || mapper ? "array" : "object");
			const { logger, cache } = this;
			return new RemotePreparedQuery(
				client,
				query,
				logger,
				cache,
				metadata,
				cacheConfig,
				fields,
				method,
				isArrayMode,
				mapper,
			);
		}

		/**
		 * @param {any[]} queries
		 */
		async batch(queries) {
			const prepared = queries.map((query) => query._prepare());
			const statements = prepared.map((query) => query.getQuery());
			for (const { sql, params } of statements) {
				this.logger.logQuery(sql, params);
			}
			/** @type {import("../../..").BatchResult<any[]>[]} */
			const results = await this.sqlite.batch(statements, { rowMode: "array", bigint: this.options.bigint });
			return results.map((result, index) => {
				const { method } = statements[index];
				const isRaw = !(prepared[index] instanceof RemotePreparedQuery);
				return prepared[index].mapResult(batchResult(result, method, isRaw), true);
			});
		}

		/**
		 * @param {(tx: any) => Promise<any>} callback
		 * @param {{ behavior?: "deferred" | "immediate" | "exclusive" }} [config]
		 */
		transaction(callback, config) {
			/** @param {import("../../..").Transaction} inner */
			const inTransaction = (inner) => {
				const session = new DrizzleSession(inner, this.dialect, this.schema, this.options);
				return callback(Reflect.construct(DrizzleTransaction, ["async", this.dialect, session, this.schema]));
			};
			return this.sqlite.transaction(inTransaction, config?.behavior && { mode: config.behavior });
		}
	}

	class DrizzleTransaction extends SQLiteProxyTransaction {
		get appData() {
			return this.session.sqlite.appData;
		}

		/**
		 * Runs a callback in a savepoint.
		 *
		 * @param {(tx: any) => Promise<any>} callback
		 */
		transaction(callback) {
			return this.session.transaction(callback);
		}

		/**
		 * @param {any[]} queries
		 */
		batch(queries) {
			return this.session.batch(queries);
		}
	}

	return { DrizzleSession };
}

/**
 * The function that runs statements for the proxy driver.
 *
 * @param {import("../../..").SqlMethods} sqlite
 * @param {{ bigint: boolean | "large" }} options
 * @param {"array" | "object"} rowMode of the rows, unless values are asked for
 */
function clientOf(sqlite, { bigint }, rowMode) {
	/**
	 * @param {string} sql
	 * @param {any[]} params
	 * @param {"run" | "all" | "get" | "values"} method
	 */
	return async (sql, params, method) => {
		switch (method) {
			case "run":
				return sqlite.run(sql, params, { bigint });
			case "get":
				return { rows: await sqlite.get(sql, params, { rowMode, bigint }) };
			case "all":
				return { rows: await sqlite.all(sql, params, { rowMode, bigint }) };
			default:
				return { rows: await sqlite.all(sql, params, { rowMode: "array", bigint }) };
		}
	};
}

/**
 * The result of a statement of a batch, for the proxy driver's `mapResult`.
 *
 * @param {import("../../..").BatchResult<any[]>} result
 * @param {"run" | "all" | "get" | "values"} method
 * @param {boolean} isRaw whether the rows are passed on as they are
 */
function batchResult({ columns, rows, ...changed }, method, isRaw) {
	if (method === "run") {
		return changed;
	}
	if (!isRaw) {
		return { rows: method === "get" ? rows[0] : rows };
	}
	const toObject = (/** @type {any[]} */ row) => Object.fromEntries(columns.map((name, index) => [name, row[index]]));
	return { rows: method === "values" ? rows : rows.map(toObject) };
}

module.exports = { createSessionClasses };
