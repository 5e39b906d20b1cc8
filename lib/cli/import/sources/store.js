"use strict";

const { EXPORTED } = require("../../exported.js");
const { itemsOf, openDatabase } = require("./database.js");
const { checkFile, invalidSource, itemOf, withExpiry } = require("./source.js");
const { fromJson } = require("../values/json.js");

/**
 * @typedef {import("./source.js").Source} Source
 */

const TABLE = "__rootapp_kv";

const COLUMNS = ["key", "community_id", "value", "expires_at"];

const EXPECTED = `a file of the SDK or of rootcellar, which has the table ${TABLE} with the columns ${COLUMNS.join(", ")}`;

/** Number of the rows that are no keys for any store, which {@link EXPORTED} leaves out. */
const OTHERS = `
SELECT CAST(count(*) AS REAL) AS n FROM ${TABLE}
WHERE typeof(key) <> 'text' OR community_id = '' OR typeof(community_id) NOT IN ('text', 'null')`;

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
			notes: notesOf(Number(others?.n)),
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

/** @param {number} others rows that are no keys */
function notesOf(others) {
	if (others === 0) return [];
	return [
		`${others === 1 ? "1 row that is no key of a store was" : `${others} rows that are no keys of a store were`} left alone`,
	];
}

/** @param {[place: number, key: string, communityId: string | null, value: string | null, expiresAt: number | null]} row */
function toItem([place, key, communityId, value, expiresAt]) {
	const found = { from: `the row ${place}`, key, bytes: value?.length, communityId: communityId ?? undefined };
	const item = itemOf(found, (kinds) => fromJson(value ?? "", kinds));
	return withExpiry(item, expiresAt ?? undefined);
}

module.exports = { openStore };
