"use strict";

const { JOINED_LENGTH_MAX } = require("../../base/limits.js");
const { toError } = require("../../base/errors.js");
const { endAtExit } = require("../../process/exit.js");
const { loadBinding } = require("../binding.js");
const { valuesHandler } = require("../decode.js");
const { toArrays, toColumns, toJoined } = require("../encode.js");
const { EventConnection } = require("../events/event-connection.js");
const { NO_LEASE } = require("../protocol.js");
const { toOptions } = require("./options.js");
const { warnOf } = require("./warnings.js");

/**
 * @typedef {import("../../base/key-entry.js").Address} Address
 * @typedef {import("../../config/location.js").Location} Location
 * @typedef {import("../../config/postgres/postgres.js").PostgresConfig} PostgresConfig
 * @typedef {import("../addon").Event} Event
 * @typedef {import("../decode.js").ValuesReceiver} ValuesReceiver
 * @typedef {import("../encode.js").Batch} Batch
 */

/**
 * Boundary to the native store on PostgreSQL. To the queue it is what `Connection` is, but that no answer comes at once.
 */
class PostgresConnection extends EventConnection {
	/**
	 * @param {Location} location
	 */
	constructor(location) {
		const { NativePostgres } = loadBinding();
		super((wake) => new NativePostgres(wake));
		this.config = /** @type {PostgresConfig} */ (location.postgres);
	}

	/** The native store. */
	get server() {
		return /** @type {import("../addon").NativePostgres} */ (/** @type {unknown} */ (this.native));
	}

	/**
	 * Connects, and makes the tables.
	 *
	 * @param {(error?: Error) => void} callback
	 */
	open(callback) {
		const id = this.expectOne(({ error, numbers }) => {
			if (error) {
				this.forget();
			} else {
				this.ends.push(endAtExit(this));
				warnOf(numbers);
			}
			callback(error && toError(error));
		});
		this.server.open(id, toOptions(this.config), true);
	}

	/**
	 * Handles an event. A failure that the configuration is to blame for names what has configured it.
	 *
	 * @override
	 * @param {Event} event
	 */
	handle(event) {
		const { error } = event;
		super.handle(error?.field ? { ...event, error: { ...error, message: this.blaming(error) } } : event);
	}

	/**
	 * @param {import("../addon").Failure} failure
	 */
	blaming({ message, field }) {
		const { sources } = this.config;
		const name = field === "tls" && message.includes("the file of sslrootcert") ? "rootCert" : field;
		const source = sources[/** @type {keyof PostgresConfig["sources"]} */ (name)];
		return `${message}; see ${source === "the default" ? `pg.${field} of DATABASE_CONFIG, which has its default` : source}`;
	}

	/**
	 * Sends a batch to the writer.
	 *
	 * @param {Batch} batch
	 * @param {number} epoch how many batches that ended early have been heard of
	 * @param {number} now milliseconds since 1970 UTC
	 * @param {(event: Event) => void} callback
	 */
	submit(batch, epoch, now, callback) {
		const id = this.expectOne(callback);
		if (batch.length > JOINED_LENGTH_MAX) {
			this.server.submitSql(id, NO_LEASE, epoch, toArrays(batch), now);
		} else {
			const { codes, texts, lengths, numbers } = toJoined(batch);
			this.server.submit(id, epoch, codes, texts, lengths, numbers, now);
		}
	}

	/**
	 * Reads keys.
	 *
	 * @param {readonly Address[]} addresses
	 * @param {number} now
	 * @param {boolean} _isFileSeen
	 * @param {ValuesReceiver} receive
	 * @returns {boolean} whether it was at once: it never is
	 */
	read(addresses, now, _isFileSeen, receive) {
		this.readLater(addresses, now, receive);
		this.poller.sent(addresses.length);
		return false;
	}

	/**
	 * Reads keys, and keeps others from changing them until the next batch is carried out, which must come at once.
	 *
	 * @param {readonly Address[]} addresses
	 * @param {ValuesReceiver} receive
	 * @returns {boolean} whether it was at once: it never is
	 */
	readToChange(addresses, receive) {
		const { keys, communities } = toColumns(addresses);
		this.server.holdKeys(this.expect(valuesHandler(receive)), keys, communities);
		return false;
	}

	/** There is no memory that tells one version of the database from another. */
	version() {
		return null;
	}

	/** Other copies of SQLite are no concern here. */
	checkForeignCopies() {}

	/** Ends the connection, because the process ends. */
	end() {
		this.forget();
		this.whenLost?.();
		this.server.end();
	}
}

module.exports = { PostgresConnection };
