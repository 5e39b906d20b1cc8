"use strict";

const { textDecoder } = require("./text-decoder.js");

/**
 * Row that {@link EXPORTED} finds: its value as it is stored, and its expiry in milliseconds since 1970 UTC.
 *
 * @typedef {{ place: number, key: string, communityId: string | null, value: string | null, expiresAt: number | null }} ExportedRow
 * @typedef {import("../..").Sqlite} Sqlite
 */

/** Condition that a row has not expired, as in `get`: an expiry that is not a number is none. */
const isLive = (/** @type {string} */ row) =>
	`(typeof(${row}.expires_at) NOT IN ('integer', 'real') OR ${row}.expires_at > :now)`;

/** Rows of the key of `first` in the default scope. The SDK may have left several, of which the newest counts. */
const TWINS = "FROM __rootapp_kv AS twin WHERE twin.community_id IS NULL AND twin.key = first.key AND twin.rowid";

/** Community and key as one text, with a space between, so that bytes of both do not make one character. */
const NAMES = "coalesce(first.community_id, '') || ' ' || first.key";

/**
 * Query for the entries that `select` finds, of every community, in the order of insertion. It holds no more than a few rows
 * at a time. Of several rows of a key the newest has the value, and the oldest after which none had expired has the place.
 * Rows of others whose key is not a text, or whose community is not one, are left out. SQLite does not check that a text is one
 * in the encoding of the file: `names` are the bytes of those that are not of ASCII alone.
 */
const EXPORTED = `
SELECT CAST(first.rowid AS REAL) AS place, first.key AS key, first.community_id AS communityId,
	CAST(newest.value AS TEXT) AS value,
	iif(typeof(newest.expires_at) IN ('integer', 'real'), CAST(newest.expires_at AS REAL), NULL) AS expiresAt,
	iif(${NAMES} GLOB '*[^ -~]*' OR instr(${NAMES}, char(0)), CAST(${NAMES} AS BLOB), NULL) AS names
FROM __rootapp_kv AS first JOIN __rootapp_kv AS newest ON newest.rowid = iif(first.community_id IS NULL,
	(SELECT max(twin.rowid) ${TWINS} >= first.rowid), first.rowid)
WHERE typeof(first.key) = 'text' AND ${isLive("first")} AND (first.community_id IS NOT NULL
	OR NOT EXISTS (SELECT 1 ${TWINS} <> first.rowid)
	OR NOT EXISTS (SELECT 1 ${TWINS} > first.rowid AND NOT ${isLive("twin")})
		AND NOT coalesce((SELECT ${isLive("twin")} ${TWINS} < first.rowid ORDER BY twin.rowid DESC LIMIT 1), 0))
	AND (first.community_id IS NULL OR typeof(first.community_id) = 'text' AND first.community_id <> '')
	AND (:everyCommunity OR first.community_id IS :community)
ORDER BY first.rowid`;

/** Condition that a row is no key of a store, whatever its time. */
const IS_OTHER = "(typeof(key) <> 'text' OR community_id = '' OR typeof(community_id) NOT IN ('text', 'null'))";

/**
 * The entries of every community, or of one, in the order of insertion. Those whose key or community is no text in the
 * encoding of the file are left out: no store finds them, and what they would be shown as may be another key.
 *
 * @param {Sqlite} sqlite
 * @param {string | undefined} community
 * @param {() => void} [leftOut] called for each of them
 * @returns {AsyncGenerator<ExportedRow>}
 */
async function* exportedRows(sqlite, community, leftOut = () => {}) {
	const decode = textDecoder((await sqlite.get("PRAGMA encoding"))?.encoding);
	const parameters = { now: Date.now(), everyCommunity: community === undefined, community: community || null };
	for await (const row of sqlite.iterate(EXPORTED, parameters)) {
		const { names, ...entry } = /** @type {ExportedRow & { names: Uint8Array | null }} */ (row);
		if (names === null || decode(names).isExact) yield entry;
		else leftOut();
	}
}

/**
 * Note on rows that are no keys, if there are any.
 *
 * @param {number} others
 */
function notesOnOthers(others) {
	if (others === 0) return [];
	return [
		`${others === 1 ? "1 row that is no key of a store was" : `${others} rows that are no keys of a store were`} left alone`,
	];
}

module.exports = { EXPORTED, IS_OTHER, exportedRows, isLive, notesOnOthers };
