"use strict";

const { statSync } = require("node:fs");
const { FOREIGN_CHECK_INTERVAL_MS } = require("../base/limits.js");
const { atFirstUse } = require("../base/at-first-use.js");
const { Connection } = require("./connection.js");

/**
 * @typedef {import("../config/location.js").Location} Location
 * @typedef {import("./connection.js").Notices} Notices
 * @typedef {import("./connection.js").OpenConnection} OpenConnection
 */

/** Loaded at first use: a bot without PostgreSQL does not wait for it. */
const postgres = atFirstUse(() => require("./postgres/connection.js"));

/** Connection of a store, opened by the first operation, and by a later one again after it could not be opened. */
class LazyConnection {
	/**
	 * @param {() => Location} locate called at the first operation
	 * @param {Notices} [notices]
	 */
	constructor(locate, notices) {
		this.locate = locate;
		this.notices = notices;
		/** @type {"closed" | "opening" | "open" | "disposed"} */
		this.state = "closed";
		/** @type {OpenConnection | undefined} */
		this.current = undefined;
		this.nextForeignCheck = 0;
		/** True if it is a transaction's, whose operations all share one connection. */
		this.isLease = false;
		/** True if it is to a server, where each request takes its time. */
		this.isRemote = false;
		/** Number of transactions around it. */
		this.depth = 0;
	}

	/** The connection, where it is known to be open. */
	get opened() {
		return /** @type {OpenConnection} */ (this.current);
	}

	/**
	 * The connection of a transaction within, which is the transaction's lease.
	 *
	 * @param {any} lease
	 */
	within(lease) {
		const inner = new LazyConnection(this.locate);
		inner.state = "open";
		inner.current = lease;
		inner.isLease = true;
		inner.isRemote = this.isRemote;
		inner.depth = this.depth + 1;
		return inner;
	}

	/** True if the store only reads its file. */
	get isReadOnly() {
		try {
			const { kind } = this.locate();
			return kind === "readOnly" || kind === "foreign";
		} catch {
			return false;
		}
	}

	/** True if the store is on PostgreSQL. */
	get isOnPostgres() {
		try {
			return this.locate().kind === "postgres";
		} catch {
			return false;
		}
	}

	/** The path of the file; `undefined` if the configuration names none that can be used. */
	path() {
		try {
			return this.locate().path || undefined;
		} catch {
			return undefined;
		}
	}

	/**
	 * True if another connection is on the same file, under whatever name.
	 *
	 * @param {LazyConnection} other
	 */
	isSameFile(other) {
		const [path, otherPath] = [this.path(), other.path()];
		if (path === undefined || otherPath === undefined) {
			return false;
		}
		return path === otherPath || isSameInode(path, otherPath);
	}

	/**
	 * Opens the file, unless that is under way or the store is disposed of.
	 *
	 * @param {(error?: unknown) => void} callback
	 */
	open(callback) {
		if (this.state !== "closed") {
			return;
		}
		this.state = "opening";
		try {
			const location = this.locate();
			this.isRemote = location.kind === "postgres";
			const connection = this.isRemote
				? new (postgres().PostgresConnection)(location)
				: new Connection(location, this.notices);
			// Methods that only one of the two has are called from its own part of `lib/api/` alone.
			this.current = /** @type {OpenConnection} */ (connection);
			connection.open((error) => this.settled(error, callback));
		} catch (error) {
			this.settled(error, callback);
		}
	}

	/**
	 * @param {unknown} error
	 * @param {(error?: unknown) => void} callback
	 */
	settled(error, callback) {
		if (error) {
			this.state = "closed";
			this.current = undefined;
		} else {
			this.state = "open";
			this.checkForeignCopies();
		}
		callback(error);
	}

	/** Looks for other copies of SQLite, from time to time: a bot may load one at any moment. */
	checkForeignCopies() {
		const now = Date.now();
		if (!this.isLease && now >= this.nextForeignCheck) {
			this.nextForeignCheck = now + FOREIGN_CHECK_INTERVAL_MS;
			this.opened.checkForeignCopies();
		}
	}

	/** The connection was closed, because the process ends. What is issued yet opens another. */
	lost() {
		this.state = "closed";
		this.current = undefined;
	}

	/**
	 * Releases the file for good, if it is open.
	 *
	 * @param {() => void} callback
	 */
	dispose(callback) {
		const done = () => {
			this.state = "disposed";
			this.current = undefined;
			callback();
		};
		if (this.state === "open") {
			this.opened.close(done);
		} else {
			done();
		}
	}
}

/**
 * @param {string} path
 * @param {string} other
 */
function isSameInode(path, other) {
	try {
		const [one, two] = [path, other].map((name) => statSync(name, { bigint: true }));
		return one?.ino === two?.ino && one?.dev === two?.dev;
	} catch {
		return false;
	}
}

module.exports = { LazyConnection };
