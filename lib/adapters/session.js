"use strict";

const { RootcellarError } = require("../base/errors.js");
const { controlOf } = require("./transaction-control.js");
const { isRead } = require("../base/statement-kind.js");
const { enterScope, runInScope } = require("../queue/transaction-scope.js");
const { checkReferences, referenceProblems, switchForeignKeys } = require("../api/migrations/foreign-keys.js");
const { openScope, queueOf } = require("../api/transaction.js");

/**
 * @typedef {import("../..").Sqlite} Sqlite
 * @typedef {import("../..").Connection} Connection
 * @typedef {import("./transaction-control.js").Control} Control
 */

/**
 * Result of any statement.
 *
 * @typedef {object} StatementResult
 * @property {any[]} rows
 * @property {boolean} hasRows whether it is a statement that returns rows, even if there are none
 * @property {number} changes
 * @property {number | bigint} lastInsertRowid
 * @property {number} lastID
 */

/**
 * Foreign keys that are, or were, switched off within the open transaction.
 *
 * @typedef {object} SuspendedKeys
 * @property {Promise<import("../api/migrations/foreign-keys.js").ReferenceProblems>} before
 * @property {boolean} byPragma whether a pragma has them off
 * @property {number} rebuilds under way, each of which needs them off
 * @property {boolean} isOff
 */

/** Errors with which a reserved connection ends of itself. */
const ENDED = new Set(["ERR_TRANSACTION_CLOSED", "ERR_TRANSACTION_TIMEOUT", "ERR_STORE_CLOSED"]);

/**
 * Connection as query builders expect one, which send `BEGIN`, `COMMIT` and `PRAGMA foreign_keys` as text.
 *
 * Most of the time it is not a connection of its own: statements go to the store, where reads run beside each other and
 * writes are grouped. From `BEGIN`, an outermost `SAVEPOINT` or `PRAGMA foreign_keys = OFF` on, until the statement that
 * ends them, it leases the store's writing connection.
 *
 * Within a transaction SQLite passes over `PRAGMA foreign_keys` in silence, and rebuilding a table, which drops it, would
 * take along the rows that refer to it. Here the pragma takes effect there, and what it let through is checked before the
 * transaction is committed.
 */
class SqlSession {
	/**
	 * @param {Sqlite} sqlite
	 * @param {number} [idleTimeoutMs] time for which its lease may be idle
	 */
	constructor(sqlite, idleTimeoutMs) {
		this.sqlite = sqlite;
		this.idleTimeoutMs = idleTimeoutMs;
		/** @type {Connection | undefined} */
		this.lease = undefined;
		/** True if its lease was lost. Nothing may run any more, because it would run outside of the transaction. */
		this.isLost = false;
		/** @type {string[]} open transactions: the outermost, with an empty name if `BEGIN` began it, and savepoints */
		this.open = [];
		/** True if foreign keys were switched off before the transaction; then checking them is up to the caller. */
		this.hasForeignKeysOff = false;
		/** @type {SuspendedKeys | undefined} since foreign keys were first switched off in the open transaction */
		this.suspended = undefined;
		/** @type {Set<import("../queue/transaction-scope.js").Scope>} the scopes of the callbacks that use its transaction */
		this.scopes = new Set();
		/** @type {Map<AbortController, number>} what cancels queries under way, and when they are to have ended */
		this.cancellers = new Map();
		/** True if the query builder itself began the transaction, so that it ends when the session is given back. */
		this.isManaged = false;
	}

	/** True if another statement would meet a state that this session has set. */
	get hasLease() {
		return this.lease !== undefined;
	}

	/**
	 * @param {string} sql
	 * @param {readonly any[]} params
	 * @param {import("../..").SqlRowOptions} [options]
	 * @returns {Promise<StatementResult>}
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
			// A pragma that sets a value looks like one that reads it.
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
	 * @returns {Promise<StatementResult>}
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
				if (!isOutermost) {
					if (!isOn || this.suspended !== undefined) {
						await this.suspendKeys((keys) => {
							keys.byPragma = !isOn;
						});
					}
					break;
				}
				if (isOn && this.lease === undefined) {
					await this.runInPlace(sql);
					break;
				}
				await this.runInLease(sql);
				this.hasForeignKeysOff = !isOn;
				break;
			case "rollback":
				await this.rollback(sql);
				break;
			case "rollbackTo":
				await this.runInPlace(sql);
				this.open.length = Math.max(this.open.lastIndexOf(name) + 1, 1);
				break;
			case "release":
				if (this.open.lastIndexOf(name) === 0) await this.checkKeys("the transaction");
				await this.runInPlace(sql);
				this.open.length = Math.max(this.open.lastIndexOf(name), 0);
				break;
			case "commit":
				await this.checkKeys("the transaction");
				await this.runInPlace(sql);
				this.open.length = 0;
				break;
		}
		if (this.open.length === 0) {
			this.suspended = undefined;
			this.leaveScopes();
		}
		if (this.open.length === 0 && !this.hasForeignKeysOff) {
			// Nothing is open, so that there is nothing to wait for.
			this.releaseLease();
		}
		return { rows: [], hasRows: false, changes: 0, lastInsertRowid: 0, lastID: 0 };
	}

	/**
	 * Rebuilds a table within a transaction, without foreign keys while it does. Several may do so at once.
	 *
	 * @param {() => Promise<void>} rebuild
	 */
	async withoutForeignKeys(rebuild) {
		await this.suspendKeys((keys) => {
			keys.rebuilds++;
		});
		const resume = () =>
			this.suspendKeys((keys) => {
				keys.rebuilds--;
			});
		try {
			await rebuild();
		} catch (error) {
			// It says more than what may fail because of it.
			await resume().catch(() => {});
			throw error;
		}
		await resume();
	}

	/**
	 * Switches foreign keys within a transaction, if something has changed that they depend on.
	 *
	 * @param {(keys: SuspendedKeys) => void} change
	 */
	async suspendKeys(change) {
		const { lease } = this;
		if (lease === undefined || this.hasForeignKeysOff) {
			return;
		}
		const queue = queueOf(lease);
		await this.watched(async () => {
			this.suspended ??= { before: referenceProblems(queue), byPragma: false, rebuilds: 0, isOff: false };
			const keys = this.suspended;
			await keys.before;
			change(keys);
			const isOff = keys.byPragma || keys.rebuilds > 0;
			if (isOff !== keys.isOff) {
				keys.isOff = isOff;
				await switchForeignKeys(queue, !isOff);
			}
		});
	}

	/**
	 * Checks the references of a transaction in which foreign keys were off.
	 *
	 * @param {string} subject of the error's sentence
	 */
	async checkKeys(subject) {
		const { lease, suspended } = this;
		if (lease !== undefined && suspended !== undefined) {
			const after = await this.watched(() => referenceProblems(queueOf(lease)));
			checkReferences(await suspended.before, after, subject);
		}
	}

	/**
	 * Runs a statement in the lease, which it takes if it has none.
	 *
	 * @param {string} sql
	 */
	async runInLease(sql) {
		const isNew = this.lease === undefined;
		this.lease ??= await this.sqlite.reserve({ idleTimeoutMs: this.idleTimeoutMs });
		try {
			await this.runInPlace(sql);
		} catch (error) {
			if (isNew) {
				await this.releaseLease();
			}
			throw error;
		}
	}

	/**
	 * Rolls back. A lost transaction is rolled back already, and releasing the lease rolls back any other.
	 *
	 * @param {string} sql
	 */
	async rollback(sql) {
		if (this.lease === undefined) {
			await this.runInPlace(sql);
		} else if (this.hasForeignKeysOff && !this.isLost) {
			try {
				await this.runInPlace(sql);
			} catch {
				// It has ended meanwhile. What is left of the lease is of no use.
				await this.releaseLease();
			}
		} else {
			this.hasForeignKeysOff = false;
			await this.releaseLease();
		}
		this.open.length = 0;
		this.leaveScopes();
	}

	/**
	 * @param {string} sql
	 */
	runInPlace(sql) {
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
	 * Runs a callback that uses this session. Writes that go past the session are refused, because they would wait for themselves.
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
			this.scopes.add(scope);
			openScope(lease, scope);
			return callback();
		});
	}

	/**
	 * Begins a transaction whose callback the caller calls afterwards; it runs as in `runWithin`.
	 *
	 * @param {string} sql
	 */
	async begin(sql) {
		// Before the first await, so that the scope has only what the caller awaits.
		const scope = enterScope();
		await this.execute(sql, []);
		if (this.lease !== undefined) {
			this.scopes.add(scope);
			openScope(this.lease, scope);
		}
	}

	/**
	 * Ends it.
	 *
	 * @param {string} sql
	 */
	async end(sql) {
		this.leaveScopes();
		await this.execute(sql, []);
	}

	/** Lets asynchronous calls that callbacks have left behind wait for it from now on. */
	leaveScopes() {
		for (const scope of this.scopes) {
			scope.blocked = undefined;
		}
		this.scopes.clear();
	}

	/** Releases the lease and keeps it, so that nothing of an open transaction runs outside of it. */
	async lose() {
		if (this.lease !== undefined) {
			this.isLost = true;
			await this.lease.release();
		}
	}

	/** Releases the lease, which rolls back an open transaction. */
	async releaseLease() {
		const { lease } = this;
		this.lease = undefined;
		this.isLost = false;
		this.open.length = 0;
		this.hasForeignKeysOff = false;
		this.suspended = undefined;
		await lease?.release();
	}
}

/**
 * @param {Sqlite | Connection} target
 * @param {string} sql
 * @param {readonly any[]} params
 * @param {import("../..").SqlRowOptions} [options]
 * @returns {Promise<StatementResult>}
 */
async function batchOfOne(target, sql, params, options) {
	const [result] = await target.batch([{ sql, params }], options);
	const { columns, rows, changes, lastInsertRowid, lastID } = /** @type {import("../..").BatchResult} */ (result);
	return { rows: withBuffers(rows), hasRows: columns.length > 0, changes, lastInsertRowid, lastID };
}

/**
 * Turns BLOBs into `Buffer`s on the same bytes, as the drivers return them that this replaces.
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
