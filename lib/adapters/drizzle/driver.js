"use strict";

const { checkAdapterOptions, checkBigint, isStore } = require("../options.js");
const { createMigrate } = require("./migrate.js");
const { createSessionClasses } = require("./session.js");

/** Options of `drizzle` besides the store: Drizzle's own, and one for integers. */
const DRIZZLE_OPTIONS = ["schema", "casing", "logger", "cache", "bigint"];

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
	 * @param {any} [storeOrConfig]
	 * @param {any} [configOfStore]
	 */
	function drizzle(storeOrConfig = {}, configOfStore = {}) {
		const config = isStore(storeOrConfig)
			? { ...checkAdapterOptions(configOfStore, "config", DRIZZLE_OPTIONS), dataStore: storeOrConfig }
			: checkAdapterOptions(storeOrConfig, "config", DRIZZLE_OPTIONS);
		const { sqlite } = config.dataStore;
		const dialect = new core.SQLiteAsyncDialect({ casing: config.casing });
		const schema = config.schema && schemaOf(config.schema);
		const bigint = checkBigint(config.bigint, "config.bigint");
		const options = { logger: loggerOf(config.logger), cache: config.cache, bigint };
		const session = new DrizzleSession(sqlite, dialect, schema, options);
		const db = new proxy.SqliteRemoteDatabase("async", dialect, session, schema);
		db.$client = config.dataStore;
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
