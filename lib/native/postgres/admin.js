"use strict";

const { toError } = require("../../base/errors.js");
const { PostgresConnection } = require("./connection.js");
const { toOptions } = require("./options.js");

/**
 * @typedef {import("../../config/postgres/postgres.js").PostgresConfig} PostgresConfig
 * @typedef {import("../addon").NativePostgres} NativePostgres
 */

/**
 * Row as it is stored: its value as JSON text, its expiry in milliseconds since 1970 UTC.
 *
 * @typedef {[key: string, community: string | null, text: string, expiresAt: number | null]} StoredRow
 *
 * State of a server. What this user may not see of others is `null`.
 *
 * @typedef {object} PostgresStatus
 * @property {string} version
 * @property {number} sizeBytes
 * @property {"missing" | "unadopted" | "ready"} tables whether a store has made its tables, or adopted the SDK's
 * @property {number} keys an estimate
 * @property {{ name: string, state: string | null, sync: string | null, lagBytes: number | null, lagMs: number | null }[]} standbys
 * @property {boolean} isSynchronous
 * @property {number} skewMs the server's clock less that of this process
 * @property {{ used: number, ofThisUser: number, max: number }} connections
 * @property {{ rows: number, oldestDays: number } | null} writers
 */

/**
 * Connects as an operator, whose requests come one after another.
 *
 * @param {PostgresConfig} config
 * @param {{ makesTables?: boolean }} [options] whether tables that are missing are made, as a store does at its first use
 */
async function openAdmin(config, { makesTables = false } = {}) {
	const connection = new PostgresConnection({ filename: "", path: "", source: "", kind: "postgres", postgres: config });

	/** @param {(id: number, native: NativePostgres) => void} ask */
	const request = (ask) =>
		new Promise((/** @type {(answer: any) => void} */ resolve, reject) => {
			const id = connection.expectOne(({ error, rows }) => {
				if (error) {
					reject(toError(error));
				} else {
					resolve(rows && JSON.parse(rows.json));
				}
			});
			ask(id, connection.server);
		});

	await request((id, native) => native.open(id, toOptions(config), makesTables));
	return {
		/** @returns {Promise<PostgresStatus>} */
		status: () => request((id, native) => native.status(id)),
		/**
		 * Makes the tables, or adopts the SDK's, however large it is. The `rows` were there before; `duplicates` of them were
		 * removed, because newer ones of the same keys are there.
		 *
		 * @returns {Promise<{ rows: number, duplicates: number }>}
		 */
		adopt: () => request((id, native) => native.adopt(id)),
		/**
		 * The first rows that there are, in the order of insertion, or those behind the page before. The pages are of one
		 * moment.
		 *
		 * @param {boolean} isFirst
		 * @returns {Promise<{ rows: StoredRow[], hasMore: boolean }>}
		 */
		exportPage: (isFirst) => request((id, native) => native.exportRows(id, isFirst)),
		/**
		 * Adds rows in their order, all or none.
		 *
		 * @param {StoredRow[]} rows
		 * @param {boolean} overwrite whether the rows of keys that are there are replaced
		 * @returns {Promise<{ inserted: number, skipped: number }>}
		 */
		importRows: (rows, overwrite) => request((id, native) => native.importRows(id, JSON.stringify(rows), overwrite)),
		close: () => new Promise((/** @type {(value?: undefined) => void} */ resolve) => connection.close(() => resolve())),
	};
}

module.exports = { openAdmin };
