"use strict";

const { isLive } = require("../../cli/export-query.js");
const { RootcellarError, invalidArgument } = require("../../base/errors.js");
const { communityOf, optionalTextOf, textOf } = require("../values/input.js");
const { LONG_ROUTE_MS, VALUE_BODY_BYTES_MAX, VALUE_BYTES_MAX } = require("../limits.js");
const { endOfJson } = require("../values/json-position.js");
const { toPattern } = require("../values/patterns.js");
const { toCell, versionOf } = require("../values/cells.js");
const { drained } = require("../exchange.js");
const { countKeys } = require("./keys.js");

/**
 * @typedef {import("./route").Route} Route
 * @typedef {import("../../..").SqlMethods} SqlMethods
 * @typedef {import("../../..").Transaction} Transaction
 */

/** The row of a key, with its value as it is stored. Of several that the SDK has left, the newest. */
const OF_KEY = `
SELECT value, typeof(value) AS type, octet_length(value) AS bytes, expires_at AS expiresAt, ${isLive("kv")} AS isLive,
	(SELECT count(*) FROM __rootapp_kv WHERE community_id IS :community AND key = :key) AS rows
FROM __rootapp_kv AS kv WHERE community_id IS :community AND key = :key ORDER BY rowid DESC LIMIT 1`;

const SET_TEXT = "UPDATE __rootapp_kv SET value = ? WHERE community_id IS ? AND key = ?";

/**
 * Row stored under a key; `undefined` if there is none.
 *
 * @param {Pick<SqlMethods, "get">} sqlite
 * @param {{ community: string | null, key: string }} place
 * @param {AbortSignal} [signal]
 * @returns {Promise<Record<string, any> | undefined>}
 */
async function storedOf(sqlite, { community, key }, signal) {
	const parameters = { community, key, now: Date.now() };
	const found = await sqlite.get(OF_KEY, parameters, signal === undefined ? {} : { signal });
	if (found === undefined || found.isLive === 0) return undefined;
	const expiresAt = typeof found.expiresAt === "number" ? found.expiresAt : undefined;
	return { ...found, expiresAt, version: versionOf([found.value, found.expiresAt]) };
}

/** @param {Record<string, any>} input */
function placeOf(input) {
	return { community: communityOf(input), key: textOf(input, "key") };
}

/**
 * The JSON text that is to be stored. It is stored as it was typed.
 *
 * @param {Record<string, any>} input
 */
function jsonOf(input) {
	const text = textOf(input, "value");
	try {
		JSON.parse(text);
	} catch {
		throw Object.assign(new RootcellarError("ERR_INVALID_JSON", "the value is not JSON; nothing was saved"), {
			position: endOfJson(text) ?? text.length,
		});
	}
	return text;
}

/** @param {Record<string, any>} input */
function expiryOf({ expiresAt }) {
	if (expiresAt === undefined || expiresAt === null) return undefined;
	if (typeof expiresAt !== "number" || Number.isNaN(new Date(expiresAt).getTime())) {
		throw invalidArgument("expiresAt", "must be milliseconds since 1970, or null for never");
	}
	if (expiresAt <= Date.now()) {
		throw invalidArgument("expiresAt", "is past: the key would be gone at once. Delete it, or choose a later time");
	}
	return expiresAt;
}

/**
 * Refuses to change what is not as the page has shown it.
 *
 * @param {Pick<SqlMethods, "get">} tx
 * @param {{ community: string | null, key: string }} place
 * @param {unknown} version `null` for a key that must not exist
 */
async function checkVersion(tx, place, version) {
	const stored = await storedOf(tx, place);
	if ((stored?.version ?? null) === version) return;
	const what = stored === undefined ? "was deleted meanwhile" : version === null ? "exists" : "was changed meanwhile";
	throw new RootcellarError(
		version === null ? "ERR_KEY_EXISTS" : "ERR_CHANGED_MEANWHILE",
		`the key ${what}; nothing was saved`,
	);
}

/**
 * Version of a key that a transaction leaves. Read after its end, it could be that of a later write by somebody else.
 *
 * @param {Pick<SqlMethods, "get">} tx
 * @param {{ community: string | null, key: string }} place
 */
async function versionIn(tx, place) {
	return { version: (await storedOf(tx, place))?.version ?? null };
}

/**
 * Stores a value as it was typed, if the key is as the page has shown it.
 *
 * @param {Transaction} tx
 * @param {{ community: string | null, key: string }} place
 * @param {string} text
 * @param {number | undefined} expiresAt
 */
async function storeText(tx, { community, key }, text, expiresAt) {
	const communityId = community ?? undefined;
	await tx.appData.set({ key, value: null, communityId, ...(expiresAt === undefined ? {} : { expiresAt }) });
	await tx.run(SET_TEXT, [text, community, key]);
	// The store reads less than JSON.parse does, such as no half of a surrogate pair.
	await tx.appData.get(key, communityId).catch((error) => {
		if (error.code !== "ERR_VALUE_NOT_JSON") throw error;
		throw new RootcellarError("ERR_INVALID_JSON", "a bot could not read this value back; nothing was saved");
	});
}

/** @type {Record<string, Route>} */
const KEY_ROUTES = {
	"key/read": {
		run: (session, input, signal) => {
			const fileVersion = session.version();
			return session.read(input.moment, async ({ sqlite }) => {
				const place = placeOf(input);
				const stored = await storedOf(sqlite, place, signal);
				if (stored === undefined) throw new RootcellarError("ERR_NOT_FOUND", "the key does not exist");
				const { value, type, bytes, expiresAt, version, rows } = stored;
				const isWhole = type === "text" && bytes <= VALUE_BYTES_MAX;
				return {
					...place,
					value: isWhole ? value : undefined,
					begin: isWhole ? undefined : toCell(value),
					type,
					bytes,
					expiresAt,
					version,
					rows,
					fileVersion,
				};
			});
		},
	},

	"key/save": {
		writes: true,
		bodyBytes: VALUE_BODY_BYTES_MAX,
		run: async (session, input, signal) => {
			const place = placeOf(input);
			const [text, expiresAt] = [jsonOf(input), expiryOf(input)];
			const { version = null } = input;
			return session.store.sqlite.transaction(
				async (tx) => {
					await checkVersion(tx, place, version);
					await storeText(tx, place, text, expiresAt);
					return versionIn(tx, place);
				},
				{ signal },
			);
		},
	},

	"key/expire": {
		writes: true,
		run: async (session, input, signal) => {
			const place = placeOf(input);
			const expiresAt = expiryOf(input);
			return session.store.sqlite.transaction(
				async (tx) => {
					await checkVersion(tx, place, input.version);
					const kv = tx.kv.community(place.community ?? undefined);
					await kv.expire(place.key, expiresAt === undefined ? null : { expiresAt });
					return versionIn(tx, place);
				},
				{ signal },
			);
		},
	},

	"key/delete": {
		writes: true,
		run: async (session, input, signal) => {
			const place = placeOf(input);
			await session.store.sqlite.transaction(
				async (tx) => {
					await checkVersion(tx, place, input.version);
					await tx.appData.delete(place.key, place.community ?? undefined);
				},
				{ signal },
			);
			return {};
		},
	},

	"keys/delete": {
		writes: true,
		limitMs: LONG_ROUTE_MS,
		run: async (session, input, signal) => {
			const community = communityOf(input);
			const filter = textOf(input, "filter");
			const { expected } = input;
			await session.store.sqlite.transaction(
				async (tx) => {
					const count = await countKeys({ kv: tx.kv, get: tx.get }, community, filter, signal);
					if (count !== expected) {
						throw new RootcellarError("ERR_CHANGED_MEANWHILE", `it would be ${count} keys by now; nothing was deleted`);
					}
					if (toPattern(filter) === undefined) {
						await tx.kv.community(community ?? undefined).deleteRange({ prefix: filter });
					} else {
						await tx.appData.deleteLike(filter, community ?? undefined);
					}
				},
				{ signal },
			);
			return { deleted: expected };
		},
	},

	"key/download": {
		run: async (session, input) => {
			const place = placeOf(input);
			const { moment } = input;
			optionalTextOf(input, "moment");
			const address = session.downloads.offer(async (response) => {
				const stored = await session.read(moment, ({ sqlite }) => storedOf(sqlite, place));
				const isText = stored?.type === "text";
				response.writeHead(stored === undefined ? 404 : 200, {
					"Content-Type": isText ? "application/json; charset=utf-8" : "application/octet-stream",
					"Content-Disposition": `attachment; filename="value.${isText ? "json" : "bin"}"`,
					"X-Content-Type-Options": "nosniff",
					"Cache-Control": "no-store",
				});
				if (stored !== undefined && !response.write(stored.value ?? "")) await drained(response);
				response.end();
			});
			return { address };
		},
	},
};

module.exports = { KEY_ROUTES, placeOf, storedOf };
