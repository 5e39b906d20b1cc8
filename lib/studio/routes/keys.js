"use strict";

const { isLive } = require("../../cli/export-query.js");
const { nextText } = require("../../base/text-order.js");
const { communityOf, countOf, listOf, optionalTextOf, textOf } = require("../values/input.js");
const {
	COMMUNITIES_MAX,
	COUNT_MAX,
	LEVEL_NODES,
	LONG_ROUTE_MS,
	PAGE_ROWS,
	PREVIEW_LENGTH,
	WATCH_KEYS_MAX,
} = require("../limits.js");
const { rangesOf, toPattern } = require("../values/patterns.js");
const { toCell } = require("../values/cells.js");

/**
 * @typedef {import("../../..").DataStore} DataStore
 * @typedef {import("./route").Route} Route
 */

/** End of every text in the order of SQLite: a BLOB comes behind all of them. */
const BEHIND_TEXTS = new Uint8Array(0);

const OF_RANGE = "community_id IS :community AND key >= :start AND key < :end";
const OF_RANGE_OF_KV = "kv.community_id IS :community AND kv.key >= :start AND kv.key < :end";

/**
 * Communities by skips through the index: each takes one search, however many keys it has.
 */
const COMMUNITIES = `
WITH RECURSIVE community(id, number) AS (
	SELECT (SELECT min(community_id) FROM __rootapp_kv WHERE community_id > ''), 1
	UNION ALL
	SELECT (SELECT min(community_id) FROM __rootapp_kv WHERE community_id > id AND community_id < x''), number + 1
	FROM community WHERE id IS NOT NULL AND number < :limit
)
SELECT id FROM community WHERE typeof(id) = 'text'`;

/**
 * A level of the tree by skips: behind a key without another colon comes the next key, behind one with it all keys of that
 * branch are left out. A semicolon is the character behind the colon.
 */
const COLON = "instr(substr(node.key, :length + 1), ':')";

const LEVEL = `
WITH RECURSIVE node(key, number) AS (
	SELECT (SELECT key FROM __rootapp_kv WHERE ${OF_RANGE} ORDER BY key LIMIT 1), 1
	UNION ALL
	SELECT (SELECT kv.key FROM __rootapp_kv AS kv WHERE kv.community_id IS :community AND kv.key < :end
		AND kv.key >= iif(${COLON} > 0, substr(node.key, 1, :length + ${COLON} - 1) || ';', node.key || char(0))
		ORDER BY kv.key LIMIT 1), node.number + 1
	FROM node WHERE node.key IS NOT NULL AND node.number <= :limit
)
SELECT key FROM node WHERE key IS NOT NULL`;

/** Row of a key: of several that the SDK has left, the newest. */
const row = (/** @type {string | null} */ community) => `
SELECT kv.key AS key, substr(kv.value, 1, ${PREVIEW_LENGTH + 1}) AS preview, octet_length(kv.value) AS bytes,
	typeof(kv.value) AS type, kv.expires_at AS expiresAt,
	${community === null ? "(SELECT count(*) FROM __rootapp_kv AS twin WHERE twin.community_id IS NULL AND twin.key = kv.key)" : "1"} AS rows
FROM __rootapp_kv AS kv`;

const isNewest = (/** @type {string | null} */ community) =>
	community === null
		? "NOT EXISTS (SELECT 1 FROM __rootapp_kv AS twin WHERE twin.community_id IS NULL AND twin.key = kv.key AND twin.rowid > kv.rowid)"
		: "TRUE";

/**
 * @typedef {{ key: string, preview: unknown, bytes: number | null, type: string, expiresAt: unknown, rows: number }} KeyRow
 *
 * @param {KeyRow} found
 */
function toKey({ key, preview, bytes, type, expiresAt, rows }) {
	return {
		key,
		preview: toCell(preview, PREVIEW_LENGTH),
		bytes,
		isText: type === "text",
		expiresAt: typeof expiresAt === "number" ? expiresAt : undefined,
		rows,
	};
}

/**
 * A page of the keys of some ranges, in the order of the keys.
 *
 * @param {DataStore} store
 * @param {{ community: string | null, filter: string, after: string | undefined, limit: number }} wanted
 * @param {AbortSignal} signal
 */
async function pageOf({ sqlite }, { community, filter, after, limit }, signal) {
	const like = toPattern(filter);
	const start = after === undefined ? "" : `${after}\0`;
	/** @type {KeyRow[]} */
	const rows = [];
	for (const range of rangesOf(filter)) {
		const { start: from, end = BEHIND_TEXTS } = range;
		if (after !== undefined && range.end !== undefined && compareText(range.end, start) <= 0) continue;
		const parameters = {
			community,
			start: compareText(from, start) < 0 ? start : from,
			end,
			now: Date.now(),
			limit: limit + 1 - rows.length,
			...(like === undefined ? {} : { like }),
		};
		const matches = like === undefined ? "" : "AND kv.key LIKE :like ESCAPE '\\'";
		const sql = `${row(community)} WHERE ${OF_RANGE_OF_KV} ${matches}
AND ${isLive("kv")} AND ${isNewest(community)} ORDER BY kv.key LIMIT :limit`;
		rows.push(...(await /** @type {Promise<KeyRow[]>} */ (sqlite.all(sql, parameters, { signal }))));
		if (rows.length > limit) break;
	}
	const keys = rows.slice(0, limit).map(toKey);
	return { keys, after: rows.length > limit ? keys.at(-1)?.key : undefined };
}

/**
 * @param {string} one
 * @param {string} other
 */
function compareText(one, other) {
	return Buffer.compare(Buffer.from(one), Buffer.from(other));
}

/**
 * Rows of certain keys, of those that exist.
 *
 * @param {DataStore} store
 * @param {string | null} community
 * @param {string[]} keys
 * @param {AbortSignal} [signal]
 */
async function rowsOf({ sqlite }, community, keys, signal) {
	const sql = `${row(community)} WHERE kv.community_id IS :community
AND kv.key IN (SELECT value FROM json_each(:keys)) AND ${isLive("kv")} AND ${isNewest(community)}`;
	const parameters = { community, keys: JSON.stringify(keys), now: Date.now() };
	const rows = await sqlite.all(sql, parameters, signal === undefined ? {} : { signal });
	return rows.map((found) => toKey(/** @type {KeyRow} */ (found)));
}

/**
 * Place in which keys are counted: a store, or a transaction in it.
 *
 * @typedef {{ kv: import("../../..").Kv, get: import("../../..").SqlMethods["get"] }} Counted
 */

const SOME = `SELECT count(*) AS n FROM (
	SELECT 1 FROM __rootapp_kv WHERE ${OF_RANGE} LIMIT :limit
)`;

/**
 * Counts the keys of a filter.
 *
 * @param {Counted} place
 * @param {string | null} community
 * @param {string} filter
 * @param {AbortSignal} signal
 */
async function countKeys({ kv, get }, community, filter, signal) {
	const like = toPattern(filter);
	if (like === undefined) return kv.community(community ?? undefined).count({ prefix: filter });
	let count = 0;
	for (const { start, end = BEHIND_TEXTS } of rangesOf(filter)) {
		const sql = `SELECT count(*) AS n FROM __rootapp_kv AS kv WHERE ${OF_RANGE_OF_KV}
AND kv.key LIKE :like ESCAPE '\\' AND ${isLive("kv")} AND ${isNewest(community)}`;
		const found = await get(sql, { community, start, end, like, now: Date.now() }, { signal });
		count += found?.n ?? 0;
	}
	return count;
}

/**
 * True if a filter by the beginning of keys has more rows than are counted without being asked to. The index alone tells.
 *
 * @param {DataStore} store
 * @param {string | null} community
 * @param {string} filter
 * @param {AbortSignal} signal
 */
async function hasMany({ sqlite }, community, filter, signal) {
	if (toPattern(filter) !== undefined) return false;
	const parameters = { community, start: filter, end: nextText(filter) ?? BEHIND_TEXTS, limit: COUNT_MAX + 1 };
	const found = await sqlite.get(SOME, parameters, { signal });
	return (found?.n ?? 0) > COUNT_MAX;
}

/**
 * A level of the tree: branches, whose text ends with a colon, and keys.
 *
 * @param {DataStore} store
 * @param {{ community: string | null, prefix: string, after: string | undefined }} wanted
 * @param {AbortSignal} signal
 */
async function levelOf(store, { community, prefix, after }, signal) {
	const { sqlite } = store;
	const isBranch = after?.endsWith(":") && after !== prefix;
	const start = after === undefined ? prefix : isBranch ? `${after.slice(0, -1)};` : `${after}\0`;
	const parameters = {
		community,
		start,
		end: nextText(prefix) ?? BEHIND_TEXTS,
		length: [...prefix].length,
		limit: LEVEL_NODES,
	};
	const found = await sqlite.all(LEVEL, parameters, { signal });
	const nodes = found.slice(0, LEVEL_NODES).map(({ key }) => {
		const colon = key.indexOf(":", prefix.length);
		return colon < 0 ? { key, isBranch: false } : { key: key.slice(0, colon + 1), isBranch: true };
	});
	const leaves = nodes.filter(({ isBranch }) => !isBranch).map(({ key }) => key);
	const live = new Set((await rowsOf(store, community, leaves, signal)).map(({ key }) => key));
	return {
		nodes: nodes.filter(({ key, isBranch }) => isBranch || live.has(key)),
		after: found.length > LEVEL_NODES ? nodes.at(-1)?.key : undefined,
	};
}

/** @type {Record<string, Route>} */
const KEYS_ROUTES = {
	communities: {
		run: (session, { moment }, signal) =>
			session.read(moment, async ({ sqlite }) => {
				const found = await sqlite.all(COMMUNITIES, { limit: COMMUNITIES_MAX }, { signal });
				return { communities: found.map(({ id }) => id), isComplete: found.length < COMMUNITIES_MAX };
			}),
	},

	"keys/list": {
		run: (session, input, signal) => {
			const wanted = {
				community: communityOf(input),
				filter: optionalTextOf(input, "filter") ?? "",
				after: optionalTextOf(input, "after"),
				limit: countOf(input, "limit", PAGE_ROWS, PAGE_ROWS),
			};
			const fileVersion = session.version();
			return session.read(input.moment, async (store) => ({ ...(await pageOf(store, wanted, signal)), fileVersion }));
		},
	},

	"keys/rows": {
		run: (session, input, signal) => {
			const keys = listOf(input, "keys", WATCH_KEYS_MAX).map((_, at, all) => textOf(all, String(at)));
			return session.read(input.moment, async (store) => ({
				keys: await rowsOf(store, communityOf(input), keys, signal),
			}));
		},
	},

	"keys/level": {
		run: (session, input, signal) => {
			const wanted = {
				community: communityOf(input),
				prefix: optionalTextOf(input, "prefix") ?? "",
				after: optionalTextOf(input, "after"),
			};
			return session.read(input.moment, (store) => levelOf(store, wanted, signal));
		},
	},

	"keys/count": {
		limitMs: LONG_ROUTE_MS,
		run: (session, input, signal) =>
			session.read(input.moment, async (store) => {
				const community = communityOf(input);
				const filter = optionalTextOf(input, "filter") ?? "";
				if (input.all !== true && (await hasMany(store, community, filter, signal))) {
					return { count: COUNT_MAX, isMore: true };
				}
				const { kv, sqlite } = store;
				return { count: await countKeys({ kv, get: sqlite.get }, community, filter, signal), isMore: false };
			}),
	},
};

module.exports = { KEYS_ROUTES, countKeys, rowsOf };
