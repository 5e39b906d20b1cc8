"use strict";

const { RootcellarError } = require("../base/errors.js");
const { controlOf } = require("./transaction-control.js");
const { isRead } = require("../base/statement-kind.js");
const { enterScope, runInScope } = require("../queue/transaction-scope.js");
const { openScope } = require("../api/transaction.js");

/**
 * @typedef {import("../..").Sqlite} Sqlite
 * @typedef {import("../..").Connection} Connection
 * @typedef {import("./transaction-control.js").Control} Control
 */

/**
 * What a statement did, whichever it was.
 *
 * @typedef {object} Result
 * @property {any[]} rows
 * @property {boolean} hasRows whether it is one that returns rows, be it none
 * @property {number} changes
 * @property {number | bigint} lastInsertRowid
 * @property {number} lastID
 */

/** With these a reserved connection ends of itself. */
const ENDED = new Set([
	"ERR_TRANSACTION_CLOSED",
	"ERR_TRANSACTION_TIMEOUT",
	"ERR_TRANSACTION_LOST",
	"ERR_STORE_CLOSED",
]);

/**
 * A connection as query builders expect one, which send `BEGIN`, `COMMIT` and `PRAGMA foreign_keys` as text.
 *
 * Most of the time it is none: statements go to the store, where reads run beside each other and writes are grouped.
 * From `BEGIN`, an outermost `SAVEPOINT` or `PRAGMA foreign_keys = OFF` on, until what ends them, it holds the store's
 * writing connection.
 */
class SqlSession {
	/**
	 * @param {Sqlite} sqlite
	 * @param {number} [idleTimeoutMs] how long it may hold the connection idly
	 */
	constructor(sqlite, idleTimeoutMs) {
		this.sqlite = sqlite;
		this.idleTimeoutMs = idleTimeoutMs;
		/** @type {Connection | undefined} */
		this.lease = undefined;
		/** Whether its lease was lost. Nothing may run any more, for it would run outside of the transaction. */
		this.isLost = false;
		/** @type {string[]} what is open: the outermost transaction, with an empty name if `BEGIN` began it, and savepoints */
		this.open = [];
		this.hasForeignKeysOff = false;
		/** @type {import("../queue/transaction-scope.js").Scope | undefined} that of the callback which uses it, since `begin` */
		this.scope = undefined;
		/** Whether the query builder itself began what is open, so that it ends when it gives the session back. */
		this.isManaged = false;
	}

	/** Whether another statement would meet a state that this session has set. */
	get hasLease() {
		return this.lease !== undefined;
	}

	/**
	 * @param {string} sql
	 * @param {readonly any[]} params
	 * @param {import("../..").SqlRowOptions} [options]
	 * @returns {Promise<Result>}
	 */
	async execute(sql, params, options) {
		const control = controlOf(sql);
		if (control !== undefined) {
			return this.control(control, sql);
		}
		const { lease } = this;
		if (lease !== undefined) {
			return this.watched(() => batchOfOne(lease, sql, params, options));
		}
		if (!isRead(sql)) {
			return batchOfOne(this.sqlite, sql, params, options);
		}
		try {
			const rows = await this.sqlite.all(sql, params, options);
			return { rows: withBuffers(rows), hasRows: true, changes: 0, lastInsertRowid: 0, lastID: 0 };
		} catch (error) {
			// A pragma that sets something reads like one that asks.
			if (/** @type {any} */ (error)?.code !== "ERR_NOT_A_READ") {
				throw error;
			}
			return batchOfOne(this.sqlite, sql, params, options);
		}
	}

	/**
	 * @param {string} sql
	 * @param {readonly any[]} params
	 * @param {import("../..").SqlRowOptions} [options]
	 * @returns {AsyncGenerator<any, void>}
	 */
	async *iterate(sql, params, options) {
		for await (const row of (this.lease ?? this.sqlite).iterate(sql, params, options)) {
			yield withBuffers([row])[0];
		}
	}

	/**
	 * @param {Control} control
	 * @param {string} sql
	 * @returns {Promise<Result>}
	 */
	async control({ kind, name, isOn }, sql) {
		const isOutermost = this.open.length === 0;
		switch (kind) {
			case "begin":
			case "savepoint":
				await this.runInLease(sql);
				if (kind === "savepoint" || isOutermost) {
					this.open.push(name);
				}
				break;
			case "foreignKeys":
				// Within a transaction it is of no effect.
				if (!isOutermost || (isOn && this.lease === undefined)) {
					await this.runThere(sql);
					break;
				}
				await this.runInLease(sql);
				this.hasForeignKeysOff = !isOn;
				break;
			case "rollback":
				await this.rollback(sql);
				break;
			case "rollbackTo":
				await this.runThere(sql);
				this.open.length = Math.max(this.open.lastIndexOf(name) + 1, 1);
				break;
			case "release":
				await this.runThere(sql);
				this.open.length = Math.max(this.open.lastIndexOf(name), 0);
				break;
			case "commit":
				await this.runThere(sql);
				this.open.length = 0;
				break;
		}
		if (this.open.length === 0 && !this.hasForeignKeysOff) {
			// Nothing is open: there is nothing to wait for.
			this.releaseLease();
		}
		return { rows: [], hasRows: false, changes: 0, lastInsertRowid: 0, lastID: 0 };
	}

	/**
	 * Runs a statement on the writing connection, which it takes if it has not got it.
	 *
	 * @param {string} sql
	 */
	async runInLease(sql) {
		const isNew = this.lease === undefined;
		this.lease ??= await this.sqlite.reserve({ idleTimeoutMs: this.idleTimeoutMs });
		try {
			await this.runThere(sql);
		} catch (error) {
			if (isNew) {
				await this.releaseLease();
			}
			throw error;
		}
	}

	/**
	 * What was lost is rolled back already, and what has failed is when it is let go of.
	 *
	 * @param {string} sql
	 */
	async rollback(sql) {
		if (this.lease === undefined) {
			await this.runThere(sql);
		} else if (this.hasForeignKeysOff && !this.isLost) {
			await this.runThere(sql);
		} else {
			this.hasForeignKeysOff = false;
			await this.releaseLease();
		}
		this.open.length = 0;
	}

	/**
	 * @param {string} sql
	 */
	runThere(sql) {
		const { lease } = this;
		return lease === undefined ? this.sqlite.run(sql) : this.watched(() => lease.run(sql));
	}

	/**
	 * @template T
	 * @param {() => Promise<T>} operation
	 * @returns {Promise<T>}
	 */
	async watched(operation) {
		try {
			return await operation();
		} catch (error) {
			if (error instanceof RootcellarError && ENDED.has(error.code)) {
				this.isLost = true;
			}
			throw error;
		}
	}

	/**
	 * Runs a callback that uses this session: what it writes past it is refused, for it would wait for itself.
	 *
	 * @template T
	 * @param {() => T} callback
	 * @returns {T}
	 */
	runWithin(callback) {
		const { lease } = this;
		if (lease === undefined) {
			return callback();
		}
		return runInScope((scope) => {
			openScope(lease, scope);
			return callback();
		});
	}

	/**
	 * Begins a transaction of which the caller then calls the callback, which runs as within `runWithin`.
	 *
	 * @param {string} sql
	 */
	async begin(sql) {
		// Before anything is awaited: what the caller awaits is all that is in the scope.
		const scope = enterScope();
		await this.execute(sql, []);
		if (this.lease !== undefined) {
			this.scope = scope;
			openScope(this.lease, scope);
		}
	}

	/**
	 * Ends it. What its callback has left behind may wait for that from now on.
	 *
	 * @param {string} sql
	 */
	async end(sql) {
		if (this.scope !== undefined) {
			this.scope.blocked = undefined;
			this.scope = undefined;
		}
		await this.execute(sql, []);
	}

	/** Gives the connection back; what is open is rolled back. */
	async releaseLease() {
		const { lease } = this;
		this.lease = undefined;
		this.isLost = false;
		this.open.length = 0;
		this.hasForeignKeysOff = false;
		await lease?.release();
	}
}

/**
 * @param {Sqlite | Connection} target
 * @param {string} sql
 * @param {readonly any[]} params
 * @param {import("../..").SqlRowOptions} [options]
 * @returns {Promise<Result>}
 */
async function batchOfOne(target, sql, params, options) {
	const [result] = await target.batch([{ sql, params }], options);
	const { columns, rows, changes, lastInsertRowid, lastID } = /** @type {import("../..").BatchResult} */ (result);
	return { rows: withBuffers(rows), hasRows: columns.length > 0, changes, lastInsertRowid, lastID };
}

/**
 * BLOBs as `Buffer`s on the same bytes, as the drivers have them whose place this takes.
 *
 * @param {any[]} rows
 */
function withBuffers(rows) {
	for (const row of rows) {
		for (const name in row) {
			const value = row[name];
			if (typeof value === "object" && value !== null) {
				row[name] = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
			}
		}
	}
	return rows;
}

module.exports = { SqlSession };
