"use strict";

const { SqlSession } = require("./session.js");

/**
 * Sessions of a query builder. Any number can be acquired at once, because nearly all of them lease nothing.
 *
 * A session may come back with state on its connection, set by a plain `BEGIN` or `PRAGMA foreign_keys = OFF`. It is then
 * given to every caller, one at a time, until that is undone: query builders for SQLite rely on there being one connection.
 */
class SessionPool {
	/**
	 * @param {import("../..").Sqlite} sqlite
	 * @param {number} [idleTimeoutMs] time for which a lease may be idle
	 */
	constructor(sqlite, idleTimeoutMs) {
		this.sqlite = sqlite;
		this.idleTimeoutMs = idleTimeoutMs;
		/** @type {Set<InstanceType<typeof SqlSession>>} those in use */
		this.inUse = new Set();
		/** @type {InstanceType<typeof SqlSession> | undefined} the one that every caller is given */
		this.kept = undefined;
		this.isKeptInUse = false;
		/** @type {(() => void)[]} callers that wait for it */
		this.waiting = [];
	}

	/** @returns {Promise<InstanceType<typeof SqlSession>>} */
	async acquire() {
		while (this.kept && this.isKeptInUse) {
			await new Promise((resolve) => this.waiting.push(() => resolve(undefined)));
		}
		if (this.kept?.hasLease) {
			this.isKeptInUse = true;
			return this.kept;
		}
		this.kept = undefined;
		const session = new SqlSession(this.sqlite, this.idleTimeoutMs);
		this.inUse.add(session);
		return session;
	}

	/**
	 * Takes a session back. A transaction that the query builder began and did not end is rolled back.
	 *
	 * @param {InstanceType<typeof SqlSession>} session
	 */
	async release(session) {
		this.inUse.delete(session);
		if (session.isLost) {
			await session.releaseLease();
		} else if (session.isManaged && session.open.length > 0) {
			await session.rollback("ROLLBACK");
		}
		session.isManaged = false;
		if (session.hasLease) {
			this.kept = session;
			this.isKeptInUse = false;
			this.waiting.shift()?.();
		} else if (session === this.kept) {
			this.kept = undefined;
			this.isKeptInUse = false;
			for (const wake of this.waiting.splice(0)) {
				wake();
			}
		}
	}

	/** Rolls back all open transactions. */
	async close() {
		const { kept, inUse } = this;
		this.kept = undefined;
		this.inUse = new Set();
		await Promise.all([...inUse, ...(kept ? [kept] : [])].map((session) => session.releaseLease()));
	}
}

module.exports = { SessionPool };
