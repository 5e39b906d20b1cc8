"use strict";

const { openDataStore } = require("../../data-store.js");
const { openServer, problemWithNames } = require("../server/keys.js");
const { IDLE_LIMIT_MS, exists } = require("./target.js");

/**
 * @typedef {import("../../..").DataStore} DataStore
 * @typedef {{ appData: Pick<DataStore["appData"], "get"> }} Keys
 * @typedef {import("./transfer.js").Importable} Importable
 * @typedef {import("./target.js").Take} Take
 */

/**
 * Stores what `use` hands over in the database of `DATABASE_CONFIG`, all of it or nothing.
 *
 * @param {boolean} force
 * @param {(take: Take) => Promise<void>} use
 */
async function importOnServer(force, use) {
	await withDatabase((store) =>
		store.transaction(
			(transaction) =>
				use(async (items) => {
					// This also finds what the same import has stored before.
					if (!force) await refuseExisting(transaction, items, new Set(), store);
					await transaction.appData.set(items.map(({ entry }) => entry));
				}),
			{ idleTimeoutMs: IDLE_LIMIT_MS },
		),
	);
}

/**
 * Keys of a database without tables of a store's.
 *
 * @type {Keys}
 */
const NO_KEYS = { appData: { get: async () => undefined } };

/**
 * Refuses what {@link importOnServer} would, and writes nothing: it makes no tables, and a table of the SDK's that is not
 * adopted is refused if it has rows.
 *
 * @param {import("../../config/postgres/postgres.js").PostgresConfig} config that of `DATABASE_CONFIG`
 * @param {boolean} force
 * @param {(take: Take) => Promise<void>} use
 */
async function checkOnServer(config, force, use) {
	const { hasTables, close } = await openServer(config, "the database", true);
	await close();
	/** @type {Set<string>} */
	const seen = new Set();
	const check = (/** @type {Keys} */ store) =>
		use(async (items) => {
			if (!force) await refuseExisting(store, items, seen, store);
		});
	await (hasTables ? withDatabase(check) : check(NO_KEYS));
}

/**
 * Says why the engine cannot store an entry, if it cannot.
 *
 * @param {import("./sources/source.js").SourceEntry} entry
 */
function problemOnServer({ key, communityId }) {
	const problem = problemWithNames(key, communityId);
	return problem && `cannot be stored on PostgreSQL: ${problem}`;
}

/** @param {(store: DataStore) => Promise<void>} use */
async function withDatabase(use) {
	const store = openDataStore();
	try {
		await use(store);
	} finally {
		await store.close();
	}
}

/**
 * Refuses keys that exist, and keys that the source has twice.
 *
 * @param {Keys} store
 * @param {Importable[]} items
 * @param {Set<string>} seen keys of earlier slices; those of this one are added
 * @param {Keys} stored what there was before the import
 */
async function refuseExisting({ appData }, items, seen, stored) {
	const found = await Promise.all(items.map(({ entry: { key, communityId } }) => appData.get(key, communityId)));
	for (const [index, item] of items.entries()) {
		const name = JSON.stringify([item.entry.communityId || null, item.entry.key]);
		if (found[index] !== undefined || seen.has(name)) {
			throw exists(item, (await stored.appData.get(item.entry.key, item.entry.communityId)) !== undefined);
		}
		seen.add(name);
	}
}

module.exports = { checkOnServer, importOnServer, problemOnServer };
