"use strict";

const { EXPORTED } = require("../../exported.js");
const { itemsOf, openDatabase } = require("./database.js");
const { checkFile, invalidSource, itemOf, withExpiry } = require("./source.js");
const { fromJson } = require("../values/json.js");

/**
 * @typedef {import("./source.js").Source} Source
 */

const TABLE = "__rootapp_kv";

const EXPECTED = `a file of the SDK or of rootcellar, which has the table ${TABLE}`;

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
		if (!database.tables.some(({ name }) => name === TABLE))
			throw invalidSource(file, `has no table ${TABLE}`, EXPECTED);
		const [last] = await database.all(`SELECT CAST(max(rowid) AS REAL) AS place FROM ${TABLE}`);
		return {
			name: "rootcellar",
			hasCommunities: true,
			notes: [],
			total: Number(last?.place ?? 0),
			of: "the rows",
			read: () => {
				const parameters = { now: Date.now(), everyCommunity: true, community: null };
				return itemsOf(database, [EXPORTED], parameters, toItem, ([place]) => place);
			},
			close: database.close,
		};
	} catch (error) {
		await database.close();
		throw error;
	}
}

/** @param {[place: number, key: string, communityId: string | null, value: string | null, expiresAt: number | null]} row */
function toItem([place, key, communityId, value, expiresAt]) {
	const found = { from: `the row ${place}`, key, bytes: value?.length, communityId: communityId ?? undefined };
	const item = itemOf(found, (kinds) => fromJson(value ?? "", kinds));
	return withExpiry(item, expiresAt ?? undefined);
}

module.exports = { openStore };
