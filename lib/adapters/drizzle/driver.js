"use strict";

const { dataStore } = require("../../data-store.js");
const { createMigrate } = require("./migrate.js");
const { createSessionClasses } = require("./session.js");
const { invalidArgument } = require("../../base/errors.js");

/**
 * Creates `rootcellar/drizzle` from Drizzle's own modules. `drizzle.d.ts` documents it.
 *
 * @param {any} orm the module `drizzle-orm`
 * @param {any} core the module `drizzle-orm/sqlite-core`
 * @param {any} proxy the module `drizzle-orm/sqlite-proxy`
 * @param {any} migrator the module `drizzle-orm/migrator`
 */
function createDriver(orm, core, proxy, migrator) {
	const { DrizzleSession } = createSessionClasses(proxy);

	/**
	 * @param {any} [clientOrConfig]
	 * @param {any} [configOfClient]
	 */
	function drizzle(clientOrConfig = {}, configOfClient = {}) {
		const isClient = typeof clientOrConfig?.sqlite?.transaction === "function";
		const { client = dataStore, ...config } = isClient ? { ...configOfClient, client: clientOrConfig } : clientOrConfig;
		if (typeof client?.sqlite?.transaction !== "function") {
			throw invalidArgument("client", "must be a store, as dataStore or openDataStore() are");
		}
		const dialect = new core.SQLiteAsyncDialect({ casing: config.casing });
		const schema = config.schema && schemaOf(config.schema);
		const options = { logger: loggerOf(config.logger), cache: config.cache };
		const session = new DrizzleSession(client.sqlite, dialect, schema, options);
		const db = new proxy.SqliteRemoteDatabase("async", dialect, session, schema);
		db.$client = client;
		if (config.cache) {
			db.$cache = Object.assign(config.cache, { invalidate: config.cache.onMutate });
		}
		return db;
	}

	/**
	 * Tables and relations for the relational queries, `db.query`.
	 *
	 * @param {any} fullSchema
	 */
	function schemaOf(fullSchema) {
		const { tables, tableNamesMap } = orm.extractTablesRelationalConfig(fullSchema, orm.createTableRelationsHelpers);
		return { fullSchema, schema: tables, tableNamesMap };
	}

	/**
	 * @param {any} logger
	 */
	function loggerOf(logger) {
		return logger === true ? new orm.DefaultLogger() : logger || undefined;
	}

	return { drizzle, migrate: createMigrate(migrator.readMigrationFiles) };
}

module.exports = { createDriver };
