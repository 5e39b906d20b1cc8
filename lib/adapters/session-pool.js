"use strict";

const { RootcellarError } = require("../base/errors.js");
const { SqlSession } = require("./session.js");
const { whenReleased } = require("../api/transaction.js");

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
		this.isClosed = false;
	}

	/**
	 * @returns {Promise<InstanceType<typeof SqlSession>>}
	 * @throws `ERR_IN_TRANSACTION` in the callback of a transaction on the kept session, which would be waited for
	 */
	async acquire() {
		while (this.kept && this.isKeptInUse) {
			await this.turnWith(this.kept);
		}
		if (this.isClosed) {
			throw new RootcellarError("ERR_STORE_CLOSED", "the query builder was destroyed");
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
	 * Waits until the kept session is given back, or has ended of itself, after which nobody is given it any more.
	 *
	 * @param {InstanceType<typeof SqlSession>} kept
	 * @returns {Promise<void>}
	 */
	turnWith(kept) {
		return new Promise((resolve) => {
			const { lease } = kept;
			if (lease) {
				whenReleased(lease, () => this.ended(kept, lease));
			}
			this.waiting.push(resolve);
		});
	}

	/**
	 * @param {InstanceType<typeof SqlSession>} kept
	 * @param {import("../..").Connection} lease
	 */
	ended(kept, lease) {
		if (kept.lease !== lease) {
			return;
		}
		kept.lose();
		if (kept === this.kept && this.isKeptInUse) {
			this.inUse.add(kept);
			this.forgetKept();
		}
	}

	/** From now on callers are given sessions of their own. */
	forgetKept() {
		this.kept = undefined;
		this.isKeptInUse = false;
		for (const wake of this.waiting.splice(0)) {
			wake();
		}
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
			this.forgetKept();
		}
	}

	/** Rolls back all open transactions, in which nothing runs any more. Who waits for the kept session is refused. */
	async close() {
		const { kept, inUse } = this;
		this.isClosed = true;
		this.kept = undefined;
		this.inUse = new Set();
		await Promise.all([...inUse, ...(kept ? [kept] : [])].map((session) => session.lose()));
		this.forgetKept();
	}
}

module.exports = { SessionPool };
