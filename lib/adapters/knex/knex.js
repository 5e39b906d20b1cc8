"use strict";

/*
 * `rootcellar/knex`: Knex on `dataStore.sqlite`. `knex.d.ts` documents it.
 */

const { performance } = require("node:perf_hooks");
require("../../process/require-in-module.js");
const SqliteClient = require("knex/lib/dialects/sqlite3/index.js");
const SqliteTransaction = require("knex/lib/dialects/sqlite3/execution/sqlite-transaction.js");
const SqliteDdl = require("knex/lib/dialects/sqlite3/schema/ddl.js");

const { checkDuration } = require("../../base/arguments.js");
const { invalidArgument } = require("../../base/errors.js");
const { kindOf } = require("../../base/json.js");
const { checkAdapterOptions, isStore } = require("../options.js");
const { SqlSession } = require("../session.js");
const { SessionPool } = require("../session-pool.js");

/**
 * @typedef {import("../../..").DataStore} DataStore
 *
 * @typedef {object} OpenedStore
 * @property {DataStore} store
 * @property {boolean} isOwn whether it was opened for Knex alone
 * @property {InstanceType<typeof SessionPool>} sessions
 */

/** Connections of the pool: more than any program asks for at once, so that a leak shows. */
const CONNECTIONS_MAX = 10_000;

/**
 * Options of a connection besides the store. The last three are those that Knex's own clients for SQLite have; a store has
 * no use for them.
 */
const CONNECTION_OPTIONS = ["filename", "idleTimeoutMs", "expirationChecker", "flags", "options"];

/** Time by which a timer may be early. */
const TIMER_EARLY_MS = 2;

class RootcellarTransaction extends SqliteTransaction {
	/**
	 * Takes the write lock at once, instead of failing halfway because another program has written meanwhile.
	 *
	 * @param {any} session
	 */
	begin(session) {
		session.isManaged = true;
		return this.query(session, "BEGIN IMMEDIATE;");
	}

	/**
	 * @param {(trx: any) => any} container
	 * @param {any} session
	 */
	_onAcquire(container, session) {
		return super._onAcquire((/** @type {any} */ trx) => session.runWithin(() => container(trx)), session);
	}
}

/**
 * Changes that SQLite has no statement for: Knex rebuilds the table. Where it is not within a transaction, Knex switches
 * foreign keys off itself.
 */
class RootcellarDdl extends SqliteDdl {
	/**
	 * @param {string} newSql
	 * @param {string[]} createIndices
	 * @param {string[]} [columns]
	 */
	async alter(newSql, createIndices, columns) {
		const rebuild = () => super.alter(newSql, createIndices, columns);
		await (this.client.transacting ? this.connection.withoutForeignKeys(rebuild) : rebuild());
	}

	/**
	 * Knex runs what this returns between pragmas, which others in the transaction would take for theirs.
	 *
	 * @param {string} newSql
	 * @param {string[]} createIndices
	 * @param {string[]} [columns]
	 */
	async generateAlterCommands(newSql, createIndices, columns) {
		if (!this.client.transacting) {
			return super.generateAlterCommands(newSql, createIndices, columns);
		}
		await this.alter(newSql, createIndices, columns);
		await this.connection.checkKeys(`the change of ${this.tableName()}`);
		return { pre: [], sql: [], check: null, post: [] };
	}
}

class RootcellarClient extends SqliteClient {
	/**
	 * @param {any} config
	 */
	constructor(config) {
		checkConfig(config);
		// Knex copies its `connection`, and a copy of a store is no store.
		super({ ...config, connection: typeof config.connection === "function" ? config.connection : { filename: "" } });
		this.config = config;
		/** @type {OpenedStore | undefined} */
		this.opened = undefined;
	}

	/** The store, found when it is first needed. */
	open() {
		if (this.opened === undefined) {
			const connection = this.connectionConfigProvider ? this.connectionSettings : this.config.connection;
			const { dataStore, filename, idleTimeoutMs } = checkConnection(connection);
			const isOwn = filename !== undefined;
			if (isOwn && typeof filename !== "string") {
				throw invalidArgument("connection.filename", `must be a string, not ${kindOf(filename)}`);
			}
			const store = isOwn ? this.driver.openDataStore({ filename }) : (dataStore ?? this.driver.dataStore);
			this.opened = { store, isOwn, sessions: new SessionPool(store.sqlite, idleTimeoutMs) };
		}
		return this.opened;
	}

	_driver() {
		return require("../../data-store.js");
	}

	/**
	 * @param {any[]} args
	 */
	transaction(...args) {
		return new /** @type {any} */ (RootcellarTransaction)(this, ...args);
	}

	/**
	 * @param {any} compiler
	 * @param {any} pragma
	 * @param {any} session
	 */
	ddl(compiler, pragma, session) {
		return new /** @type {any} */ (RootcellarDdl)(this._strict?.() ?? this, compiler, pragma, session);
	}

	/** Allows many connections, which cost nothing. */
	poolDefaults() {
		return { ...super.poolDefaults(), min: 0, max: CONNECTIONS_MAX };
	}

	/** The connection that Knex's pool counts. */
	async acquireRawConnection() {
		return new RawConnection(this.open().store.sqlite);
	}

	async destroyRawConnection() {}

	/** A session, with the connection that the pool counts for it. */
	async acquireConnection() {
		const raw = await super.acquireConnection();
		try {
			const session = await this.open().sessions.acquire();
			return Object.assign(session, { raw, __knexUid: raw.__knexUid });
		} catch (error) {
			await super.releaseConnection(raw);
			throw error;
		}
	}

	/**
	 * @param {any} session
	 */
	async releaseConnection(session) {
		const { raw } = session;
		if (raw === undefined) {
			return; // A stream gives its connection back twice.
		}
		session.raw = undefined;
		raw.__knex__disposed = session.__knex__disposed;
		try {
			await this.open().sessions.release(session);
		} finally {
			await super.releaseConnection(raw);
		}
	}

	/**
	 * @param {any} session
	 * @param {any} query
	 */
	async _query(session, query) {
		if (!query.sql) throw new Error("The query is empty");
		const canceller = query.cancelOnTimeout ? new AbortController() : undefined;
		if (canceller) session.cancellers.set(canceller, performance.now() + query.timeout);
		try {
			const options = { ...optionsOf(query), signal: canceller?.signal };
			const { rows, changes, lastID } = await session.execute(query.sql, bindingsOf(query), options);
			query.response = rows;
			query.context = { lastID, changes };
			return query;
		} finally {
			session.cancellers.delete(canceller);
		}
	}

	/**
	 * Implements `timeout(ms, { cancel: true })`, which Knex's own client for SQLite does not have. Knex does not say which of
	 * the session's queries has timed out.
	 *
	 * @param {any} session
	 */
	async cancelQuery(session) {
		const now = performance.now() + TIMER_EARLY_MS;
		for (const [canceller, due] of session.cancellers) {
			if (due <= now) canceller.abort();
		}
	}

	/**
	 * @param {any} session
	 * @param {any} query
	 * @param {import("node:stream").Transform} stream
	 */
	_stream(session, query, stream) {
		if (!query.sql) throw new Error("The query is empty");
		return new Promise((resolve, reject) => {
			stream.on("error", reject);
			stream.on("end", resolve);
			stream.on("close", resolve);
			feed(stream, session.iterate(query.sql, bindingsOf(query), optionsOf(query)));
		});
	}

	/**
	 * Waits for the queries under way. Closes the store if it is Knex's own.
	 *
	 * @param {(error?: unknown) => void} [callback]
	 */
	async destroy(callback) {
		try {
			await super.destroy();
			const { opened } = this;
			this.opened = undefined;
			await opened?.sessions.close();
			if (opened?.isOwn) {
				await opened.store.close();
			}
		} catch (error) {
			if (callback === undefined) throw error;
			callback(error);
			return;
		}
		callback?.();
	}
}

Object.assign(RootcellarClient.prototype, { canCancelQuery: true });

/**
 * Argument of `pool.afterCreate`: the methods of the driver that this replaces, with callbacks.
 */
class RawConnection {
	/**
	 * @param {import("../../..").Sqlite} sqlite
	 */
	constructor(sqlite) {
		const session = new SqlSession(sqlite);
		/** @param {(result: any) => any} toResult makes the result for the callback */
		const method =
			(toResult) =>
			(/** @type {string} */ sql, /** @type {any[]} */ ...rest) => {
				const callback = typeof rest.at(-1) === "function" ? rest.pop() : () => {};
				session.execute(sql, rest.flat()).then((result) => callback(null, toResult(result)), callback);
				return this;
			};
		this.run = method(() => undefined);
		this.exec = this.run;
		this.all = method(({ rows }) => rows);
		this.get = method(({ rows }) => rows[0]);
	}
}

/**
 * Checks the settings that name a store, which Knex would pass over in silence where they are mistyped.
 *
 * @param {any} config
 */
function checkConfig(config) {
	const misplaced = Object.keys(config).find((name) => /^(?:data_?)?store$/i.test(name));
	if (misplaced !== undefined) {
		throw invalidArgument(`config.${misplaced}`, "is no setting of Knex: give the store as connection: { dataStore }");
	}
	if (typeof config.connection !== "function") {
		checkConnection(config.connection);
	}
}

/**
 * The store that a connection names, if it names one, and its other options.
 *
 * @param {any} connection
 * @returns {{ dataStore?: DataStore, filename?: string, idleTimeoutMs?: number }}
 */
function checkConnection(connection) {
	if (connection === undefined || connection === null) {
		return {};
	}
	if (isStore(connection)) {
		return { dataStore: connection };
	}
	if (typeof connection === "string") {
		return { filename: connection };
	}
	const { dataStore, filename, idleTimeoutMs } = checkAdapterOptions(connection, "connection", CONNECTION_OPTIONS);
	if (filename !== undefined && connection.dataStore !== undefined) {
		throw invalidArgument("connection.filename", "must be left out where `dataStore` is given");
	}
	checkDuration(idleTimeoutMs, "connection.idleTimeoutMs");
	return filename === undefined ? { dataStore, idleTimeoutMs } : { filename, idleTimeoutMs };
}

/**
 * @param {any} query
 * @returns {any[]}
 */
function bindingsOf({ bindings = [] }) {
	return bindings.map((/** @type {unknown} */ value) => (value === undefined ? null : value));
}

/**
 * The option of Knex's own client for better-sqlite3: `query.options({ safeIntegers: true })`.
 *
 * @param {any} query
 */
function optionsOf({ options }) {
	return options?.safeIntegers === true ? { bigint: true } : undefined;
}

/**
 * Writes rows to a stream, no faster than it takes them.
 *
 * @param {import("node:stream").Transform} stream
 * @param {AsyncIterable<any>} rows
 */
async function feed(stream, rows) {
	try {
		for await (const row of rows) {
			if (!stream.destroyed && !stream.write(row)) {
				await drained(stream);
			}
			if (stream.destroyed) {
				return;
			}
		}
		stream.end();
	} catch (error) {
		stream.destroy(/** @type {Error} */ (error));
	}
}

/**
 * @param {import("node:stream").Transform} stream
 * @returns {Promise<void>}
 */
function drained(stream) {
	return new Promise((resolve) => {
		const done = () => {
			stream.off("drain", done);
			stream.off("close", done);
			resolve();
		};
		stream.on("drain", done);
		stream.on("close", done);
	});
}

module.exports = Object.assign(RootcellarClient, { RootcellarClient });
