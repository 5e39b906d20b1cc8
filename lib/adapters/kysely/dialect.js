"use strict";

const { checkDuration } = require("../../base/arguments.js");
const { enableScopes } = require("../../queue/transaction-scope.js");
const { checkAdapterOptions, checkBigint } = require("../options.js");
const { SessionPool } = require("../session-pool.js");

/**
 * @typedef {import("../../..").DataStore} DataStore
 * @typedef {typeof import("kysely")} Kysely
 * @typedef {InstanceType<typeof import("../session.js").SqlSession>} SqlSession
 */

/** Tables of the store itself, which are hidden from the query builder. */
const OWN_TABLES = /^__root(?:app|cellar)_/;

/**
 * Migrations under way, by store.
 *
 * @type {WeakMap<DataStore, Promise<void>>}
 */
const migrations = new WeakMap();

/**
 * Creates the dialect for a copy of Kysely, which a program may have loaded as an ES module or as CommonJS.
 *
 * @param {Pick<Kysely, "SqliteAdapter" | "SqliteIntrospector" | "SqliteQueryCompiler">} kysely
 */
function createDialect({ SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler }) {
	class RootcellarDialect {
		/**
		 * @param {any} [config]
		 */
		constructor(config = {}) {
			const { dataStore, idleTimeoutMs, bigint } = checkAdapterOptions(config, "config", ["idleTimeoutMs", "bigint"]);
			checkDuration(idleTimeoutMs, "config.idleTimeoutMs");
			/** @type {DataStore} */
			this.store = dataStore;
			/** @type {number | undefined} */
			this.idleTimeoutMs = idleTimeoutMs;
			this.bigint = checkBigint(bigint, "config.bigint");
		}

		createDriver() {
			return new Driver(this.store, this.idleTimeoutMs, this.bigint);
		}

		createQueryCompiler() {
			return new SqliteQueryCompiler();
		}

		createAdapter() {
			return new Adapter(this.store);
		}

		/**
		 * @param {import("kysely").Kysely<any>} db
		 */
		createIntrospector(db) {
			return new Introspector(db);
		}
	}

	class Adapter extends SqliteAdapter {
		/** @type {() => void} */
		#release = () => {};

		/**
		 * @param {DataStore} store
		 */
		constructor(store) {
			super();
			this.store = store;
		}

		/** Makes the second of two migrations of a store wait. */
		async acquireMigrationLock() {
			const before = migrations.get(this.store);
			/** @type {() => void} */
			let release = () => {};
			migrations.set(this.store, new Promise((resolve) => (release = resolve)));
			await before;
			this.#release = release;
		}

		async releaseMigrationLock() {
			this.#release();
		}
	}

	class Introspector extends SqliteIntrospector {
		/**
		 * @param {import("kysely").DatabaseMetadataOptions} [options]
		 */
		async getTables(options = { withInternalKyselyTables: false }) {
			const tables = await super.getTables(options);
			return options.withInternalKyselyTables ? tables : tables.filter(({ name }) => !OWN_TABLES.test(name));
		}
	}

	return RootcellarDialect;
}

class Driver {
	/**
	 * @param {DataStore} store
	 * @param {number | undefined} idleTimeoutMs
	 * @param {boolean | "large"} bigint
	 */
	constructor(store, idleTimeoutMs, bigint) {
		this.sessions = new SessionPool(store.sqlite, idleTimeoutMs);
		this.rowOptions = { bigint };
		enableScopes();
	}

	async init() {}

	async acquireConnection() {
		return new KyselyConnection(await this.sessions.acquire(), this.rowOptions);
	}

	/**
	 * Takes the write lock at once, instead of failing halfway because another program has written meanwhile. Code that Kysely
	 * calls after it, such as the callback of `transaction().execute`, may not write past the transaction.
	 *
	 * @param {any} connection
	 * @param {import("kysely").TransactionSettings} settings
	 */
	async beginTransaction({ session }, { accessMode } = {}) {
		session.isManaged = true;
		await session.begin(accessMode === "read only" ? "BEGIN" : "BEGIN IMMEDIATE");
	}

	/**
	 * @param {any} connection
	 */
	async commitTransaction({ session }) {
		await session.end("COMMIT");
	}

	/**
	 * @param {any} connection
	 */
	async rollbackTransaction({ session }) {
		await session.end("ROLLBACK");
	}

	/**
	 * @param {any} connection
	 * @param {string} name
	 */
	async savepoint({ session }, name) {
		await session.execute(`SAVEPOINT ${quoted(name)}`, []);
	}

	/**
	 * @param {any} connection
	 * @param {string} name
	 */
	async rollbackToSavepoint({ session }, name) {
		await session.execute(`ROLLBACK TO ${quoted(name)}`, []);
	}

	/**
	 * @param {any} connection
	 * @param {string} name
	 */
	async releaseSavepoint({ session }, name) {
		await session.execute(`RELEASE ${quoted(name)}`, []);
	}

	/**
	 * @param {any} connection
	 */
	async releaseConnection({ session }) {
		await this.sessions.release(session);
	}

	/** Leaves the store open, because it is not Kysely's own. */
	async destroy() {
		await this.sessions.close();
	}
}

class KyselyConnection {
	/**
	 * @param {SqlSession} session
	 * @param {import("../../..").SqlRowOptions} rowOptions
	 */
	constructor(session, rowOptions) {
		this.session = session;
		this.rowOptions = rowOptions;
	}

	/**
	 * @param {import("kysely").CompiledQuery} query
	 * @returns {Promise<import("kysely").QueryResult<any>>}
	 */
	async executeQuery({ sql, parameters }) {
		const { rows, hasRows, changes, lastInsertRowid } = await this.session.execute(sql, parameters, this.rowOptions);
		if (hasRows) {
			return { rows };
		}
		const insertId = Number(lastInsertRowid) === 0 ? undefined : BigInt(lastInsertRowid);
		return { rows, numAffectedRows: BigInt(changes), insertId };
	}

	/**
	 * @param {import("kysely").CompiledQuery} query
	 * @param {number} [chunkSize]
	 */
	async *streamQuery({ sql, parameters }, chunkSize = 1) {
		/** @type {any[]} */
		let rows = [];
		for await (const row of this.session.iterate(sql, parameters, this.rowOptions)) {
			if (rows.push(row) >= chunkSize) {
				yield { rows };
				rows = [];
			}
		}
		if (rows.length > 0) {
			yield { rows };
		}
	}
}

/**
 * @param {string} name
 */
function quoted(name) {
	return `"${name.replaceAll('"', '""')}"`;
}

module.exports = { createDialect };
