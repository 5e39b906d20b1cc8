"use strict";

const { Connection } = require("./connection.js");
const { FOREIGN_CHECK_INTERVAL_MS } = require("../base/limits.js");

/**
 * @typedef {import("../config/location.js").Location} Location
 * @typedef {InstanceType<typeof Connection>} OpenConnection
 */

/** A store's connection: not there before the first operation, and sought anew after it could not be opened. */
class LazyConnection {
	/**
	 * @param {() => Location} locate called at the first operation
	 */
	constructor(locate) {
		this.locate = locate;
		/** @type {"closed" | "opening" | "open" | "disposed"} */
		this.state = "closed";
		/** @type {OpenConnection | undefined} */
		this.current = undefined;
		this.nextForeignCheck = 0;
		/** Whether it is that of a transaction, whose operations all share one connection. */
		this.isLease = false;
		/** How many transactions it is within. */
		this.depth = 0;
	}

	/** The connection, where it is known to be open. */
	get opened() {
		return /** @type {OpenConnection} */ (this.current);
	}

	/**
	 * That of a transaction, over the connection that it holds.
	 *
	 * @param {OpenConnection} connection
	 */
	within(connection) {
		const lazy = new LazyConnection(this.locate);
		lazy.state = "open";
		lazy.current = connection;
		lazy.isLease = true;
		lazy.depth = this.depth + 1;
		return lazy;
	}

	/** The path of the file, if it can be told. */
	path() {
		try {
			return this.locate().path;
		} catch {
			return undefined;
		}
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
			this.current = new Connection(this.locate());
			this.current.open((error) => this.settled(error, callback));
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

	/**
	 * Releases the file for good. What cannot be opened is not there to be released.
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

module.exports = { LazyConnection };
