"use strict";

const { EXPORTED, IS_OTHER, notesOnOthers } = require("../../export-query.js");
const { itemsOf, openDatabase } = require("./database.js");
const { KEY_NOT_TEXT, checkFile, invalidSource, itemOf, withExpiry } = require("./source.js");
const { fromJson } = require("../values/json.js");

/**
 * @typedef {import("./source.js").Source} Source
 *
 * @typedef {[
 *   place: number,
 *   key: Uint8Array,
 *   communityId: Uint8Array | null,
 *   value: Uint8Array | null,
 *   expiresAt: number | null,
 * ]} Row
 */

const TABLE = "__rootapp_kv";

const COLUMNS = ["key", "community_id", "value", "expires_at"];

const EXPECTED = `a file of the SDK or of rootcellar, which has the table ${TABLE} with the columns ${COLUMNS.join(", ")}`;

/** Number of the rows that are no keys for any store, which {@link EXPORTED} leaves out. */
const OTHERS = `SELECT CAST(count(*) AS REAL) AS n FROM ${TABLE} WHERE ${IS_OTHER}`;

/** The texts as bytes, since SQLite does not check that they are texts. */
const ENTRIES = `
SELECT place, CAST(key AS BLOB), CAST(communityId AS BLOB), CAST(value AS BLOB), expiresAt FROM (${EXPORTED})
ORDER BY place`;

/**
 * Opens another file of the SDK or of rootcellar. Of several rows of a key, which the SDK may have left, the newest counts.
 *
 * @param {string} file
 * @returns {Promise<Source>}
 */
async function openStore(file) {
	checkFile(file, EXPECTED);
	const database = await openDatabase(file, EXPECTED);
	try {
		const table = database.tables.find(({ name }) => name === TABLE);
		if (table === undefined) throw invalidSource(file, `has no table ${TABLE}`, EXPECTED);
		const missing = COLUMNS.find((name) => !table.columns.has(name));
		if (missing !== undefined) throw invalidSource(file, `has no column ${missing} in ${TABLE}`, EXPECTED);
		const [last] = await database.all(`SELECT CAST(max(rowid) AS REAL) AS place FROM ${TABLE}`);
		const [others] = await database.all(OTHERS);
		return {
			name: "rootcellar",
			hasCommunities: true,
			notes: notesOnOthers(Number(others?.n)),
			total: Number(last?.place ?? 0),
			of: "the rows",
			read: () => {
				const parameters = { now: Date.now(), everyCommunity: true, community: null };
				return itemsOf(database, [ENTRIES], parameters, toItem(database), ([place]) => place);
			},
			close: database.close,
		};
	} catch (error) {
		await database.close();
		throw error;
	}
}

/**
 * @param {import("./database.js").SourceDatabase} database
 * @returns {(row: Row) => import("./source.js").Item}
 */
function toItem({ decode }) {
	return ([place, keyBytes, communityBytes, valueBytes, expiresAt]) => {
		const from = `the row ${place}`;
		const [key, community] = [decode(keyBytes), communityBytes && decode(communityBytes)];
		if (!key.isExact || community?.isExact === false) return { from, refusal: KEY_NOT_TEXT };
		const value = valueBytes && decode(valueBytes);
		const found = { from, key: key.text, bytes: valueBytes?.length, communityId: community?.text };
		const item = itemOf(found, (kinds) => fromJson(value?.text ?? "", kinds));
		if (value?.isExact === false) item.kinds?.add("utf8");
		return withExpiry(item, expiresAt ?? undefined);
	};
}

module.exports = { openStore };
