"use strict";

const { SqlSession } = require("./session.js");

/**
 * The sessions of a query builder. Any number can be had at once, for nearly all of them hold nothing.
 *
 * One that comes back with something set on its connection, as a plain `BEGIN` or `PRAGMA foreign_keys = OFF` does, is
 * what everybody is given next, one at a time, until that is undone: query builders for SQLite count on there being one
 * connection.
 */
class SessionPool {
	/**
	 * @param {import("../..").Sqlite} sqlite
	 * @param {number} [idleTimeoutMs] how long one may hold the connection idly
	 */
	constructor(sqlite, idleTimeoutMs) {
		this.sqlite = sqlite;
		this.idleTimeoutMs = idleTimeoutMs;
		/** @type {Set<InstanceType<typeof SqlSession>>} those in use */
		this.inUse = new Set();
		/** @type {InstanceType<typeof SqlSession> | undefined} the one that everybody is given */
		this.kept = undefined;
		this.isKeptInUse = false;
		/** @type {(() => void)[]} those who wait for it */
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
	 * Takes a session back. What a transaction of the query builder has left open is rolled back.
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

	/** Rolls back what is still open. */
	async close() {
		const { kept, inUse } = this;
		this.kept = undefined;
		this.inUse = new Set();
		await Promise.all([...inUse, ...(kept ? [kept] : [])].map((session) => session.releaseLease()));
	}
}

module.exports = { SessionPool };
