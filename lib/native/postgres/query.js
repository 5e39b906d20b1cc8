"use strict";

/**
 * @typedef {InstanceType<typeof import("../lease-connection.js").LeaseConnection>} LeaseConnection
 * @typedef {import("../addon").NativePostgres} NativePostgres
 */

/**
 * Runs a statement in a transaction, with its parameters as text.
 *
 * @param {LeaseConnection} lease
 * @param {string} text
 * @param {(string | null)[]} parameters
 * @param {(event: import("../addon").Event) => void} callback told the `rows`, and their number as `committed`
 */
function queryIn(lease, text, parameters, callback) {
	const native = /** @type {NativePostgres} */ (/** @type {unknown} */ (lease.native));
	native.leaseQuery(lease.expectOne(callback), lease.lease, text, parameters);
}

module.exports = { queryIn };
