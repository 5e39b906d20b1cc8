"use strict";

const { POSTGRES_COMMUNITY_BYTES_MAX, POSTGRES_KEY_BYTES_MAX } = require("../../base/limits.js");
const { openAdmin } = require("../../native/postgres/admin.js");

/**
 * @typedef {import("../../native/postgres/admin.js").StoredRow} StoredEntry
 *
 * Store that keys are read from, or written to.
 *
 * @typedef {object} Side
 * @property {string} title what it is, for messages; of a server's configuration nothing is shown
 * @property {string} emptying what empties it, so that nothing of it comes back: a command, or a statement
 * @property {number} keys about how many it had when it was opened
 * @property {() => AsyncIterable<StoredEntry[]>} pages every key of every community, in the order of insertion
 * @property {() => number} leftOut rows that are no keys of a store, as the last reading of the pages has found
 * @property {(entry: StoredEntry) => string | undefined} problemWith why an entry cannot be stored there, if it cannot
 * @property {(rows: StoredEntry[]) => Promise<void>} write stores all, behind what is there, or none
 * @property {() => Promise<void>} close
 */

/**
 * A store on PostgreSQL. Nothing is made or adopted before the first key is written: a table of the SDK's that is not adopted
 * is refused, unless it is an empty one of a target.
 *
 * @param {import("../../config/postgres/postgres.js").PostgresConfig} config
 * @param {string} title
 * @param {boolean} [isTarget]
 * @returns {Promise<Side & { hasTables: boolean }>}
 */
async function openServer(config, title, isTarget = false) {
	const admin = await openAdmin(config);
	try {
		const { tables, keys } = await admin.status();
		const isEmptyTarget = isTarget && keys === 0;
		// Asked for its rows, the core refuses, and says why.
		if (tables === "unadopted" && !isEmptyTarget) await admin.exportPage(true);
		let hasTables = tables === "ready";
		return {
			title,
			emptying: "DELETE FROM __rootapp_kv",
			hasTables,
			keys,
			pages: async function* () {
				if (isEmptyTarget && !hasTables) return;
				for (let page = await admin.exportPage(true); page.rows.length > 0; page = await admin.exportPage(false)) {
					yield page.rows;
					if (!page.hasMore) break;
				}
			},
			leftOut: () => 0,
			problemWith: ([key, community]) => problemWithNames(key, community),
			write: async (rows) => {
				if (!hasTables) await makeTables(config);
				hasTables = true;
				await admin.importRows(rows, false);
			},
			close: () => admin.close(),
		};
	} catch (error) {
		await admin.close();
		throw error;
	}
}

/**
 * Makes or adopts the tables as a store does at its first use.
 *
 * @param {import("../../config/postgres/postgres.js").PostgresConfig} config
 */
async function makeTables(config) {
	const admin = await openAdmin(config, { makesTables: true });
	await admin.close();
}

/**
 * Says why the engine cannot store a key of a community, if it cannot.
 *
 * @param {string} key
 * @param {string | null | undefined} community
 */
function problemWithNames(key, community) {
	return (
		problemWithName(key, "key", POSTGRES_KEY_BYTES_MAX) ??
		problemWithName(community ?? "", "community", POSTGRES_COMMUNITY_BYTES_MAX)
	);
}

/**
 * @param {string} name
 * @param {string} what
 * @param {number} bytesMax
 */
function problemWithName(name, what, bytesMax) {
	if (name.includes("\0")) return `its ${what} has a NUL`;
	return Buffer.byteLength(name) > bytesMax ? `its ${what} has more than ${bytesMax} bytes` : undefined;
}

module.exports = { openServer, problemWithNames };
