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
 * @property {number} keys about how many it had when it was opened
 * @property {() => AsyncIterable<StoredEntry[]>} pages every key of every community, in the order of insertion
 * @property {(entry: StoredEntry) => string | undefined} problemWith why an entry cannot be stored there, if it cannot
 * @property {(rows: StoredEntry[]) => Promise<void>} write stores all, behind what is there, or none
 * @property {() => Promise<void>} close
 */

/**
 * A store on PostgreSQL.
 *
 * @param {import("../../config/postgres/postgres.js").PostgresConfig} config
 * @param {string} title
 * @param {boolean} isTarget a target gets the tables that it lacks
 * @returns {Promise<Side>}
 */
async function openServer(config, title, isTarget) {
	const admin = await openAdmin(config, { makesTables: isTarget });
	try {
		const { keys } = await admin.status();
		return {
			title,
			keys,
			pages: async function* () {
				for (let page = await admin.exportPage(true); page.rows.length > 0; page = await admin.exportPage(false)) {
					yield page.rows;
					if (!page.hasMore) break;
				}
			},
			problemWith: ([key, community]) => problemWithNames(key, community),
			write: async (rows) => {
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
