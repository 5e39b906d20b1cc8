"use strict";

/**
 * Row that {@link EXPORTED} finds: its value as it is stored, and its expiry in milliseconds since 1970 UTC.
 *
 * @typedef {{ place: number, key: string, communityId: string | null, value: string | null, expiresAt: number | null }} ExportedRow
 */

/** Condition that a row has not expired, as in `get`: an expiry that is not a number is none. */
const isLive = (/** @type {string} */ row) =>
	`(typeof(${row}.expires_at) NOT IN ('integer', 'real') OR ${row}.expires_at > :now)`;

/** Rows of the key of `first` in the default scope. The SDK may have left several, of which the newest counts. */
const TWINS = "FROM __rootapp_kv AS twin WHERE twin.community_id IS NULL AND twin.key = first.key AND twin.rowid";

/**
 * Query for the entries that `select` finds, of every community, in the order of insertion. It holds no more than a few rows
 * at a time. Of several rows of a key the newest has the value, and the oldest after which none had expired has the place.
 * Rows of others whose key is not a text, or whose community is not one, are left out.
 */
const EXPORTED = `
SELECT CAST(first.rowid AS REAL) AS place, first.key AS key, first.community_id AS communityId,
	CAST(newest.value AS TEXT) AS value,
	iif(typeof(newest.expires_at) IN ('integer', 'real'), CAST(newest.expires_at AS REAL), NULL) AS expiresAt
FROM __rootapp_kv AS first JOIN __rootapp_kv AS newest ON newest.rowid = iif(first.community_id IS NULL,
	(SELECT max(twin.rowid) ${TWINS} >= first.rowid), first.rowid)
WHERE typeof(first.key) = 'text' AND ${isLive("first")} AND (first.community_id IS NOT NULL
	OR NOT EXISTS (SELECT 1 ${TWINS} <> first.rowid)
	OR NOT EXISTS (SELECT 1 ${TWINS} > first.rowid AND NOT ${isLive("twin")})
		AND NOT coalesce((SELECT ${isLive("twin")} ${TWINS} < first.rowid ORDER BY twin.rowid DESC LIMIT 1), 0))
	AND (first.community_id IS NULL OR typeof(first.community_id) = 'text' AND first.community_id <> '')
	AND (:everyCommunity OR first.community_id IS :community)
ORDER BY first.rowid`;

module.exports = { EXPORTED, isLive };
