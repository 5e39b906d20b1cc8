"use strict";

const { RootcellarError } = require("../../base/errors.js");
const { shown } = require("../../base/json.js");
const { openDataStore } = require("../../data-store.js");
const { lookForKeys } = require("../../native/destination.js");
const { isLive } = require("../export-query.js");
const { storeAt } = require("../files.js");
const { note } = require("../output.js");
const { withStore } = require("../locate.js");

/**
 * @typedef {import("../../..").DataStore} DataStore
 * @typedef {import("../../..").Sqlite} Sqlite
 * @typedef {import("./transfer.js").Importable} Importable
 * @typedef {{ file: string, url?: string }} Place
 * @typedef {(items: Importable[]) => Promise<void>} Take
 */

/** Time for which a source may take to give its next keys. */
const IDLE_LIMIT_MS = 600_000;

const FOUND = `
SELECT key FROM __rootapp_kv
WHERE community_id IS :community AND key IN (SELECT value FROM json_each(:keys)) AND ${isLive("__rootapp_kv")}`;

/**
 * Stores what `use` hands over, all of it or nothing, and backs the store up.
 *
 * @param {Place} place
 * @param {boolean} force
 * @param {(take: Take) => Promise<void>} use
 */
async function importInto(place, force, use) {
	await withStore(place, async (store) => {
		const options = { idleTimeoutMs: IDLE_LIMIT_MS };
		await store.sqlite.transaction(async (transaction) => {
			await use(async (items) => {
				if (!force) await refuseExisting([transaction], items, store.sqlite);
				await transaction.appData.set(items.map(({ entry }) => entry));
			});
		}, options);
		if (place.url !== undefined) await backUp(store);
	});
}

/**
 * Refuses what {@link importInto} would, and writes nothing.
 *
 * @param {string} file
 * @param {boolean} force
 * @param {(take: Take) => Promise<void>} use
 */
async function checkAgainst(file, force, use) {
	if (force) {
		await use(async () => {});
		return;
	}
	const store = await existingStore(file);
	// Notes the keys, so that those are found that the source has twice.
	const noted = openDataStore({ filename: ":memory:" });
	try {
		await noted.sqlite.transaction(
			(transaction) =>
				use(async (items) => {
					const stored = store?.sqlite;
					await refuseExisting(stored === undefined ? [transaction] : [transaction, stored], items, stored);
					const keys = items.map(({ entry: { key, communityId } }) => ({ key, communityId, value: 0 }));
					await transaction.appData.set(keys);
				}),
			{ idleTimeoutMs: IDLE_LIMIT_MS },
		);
	} finally {
		await Promise.all([noted.close(), store?.close()]);
	}
}

/**
 * The store that a file already is, to read only.
 *
 * @param {string} file
 */
async function existingStore(file) {
	if (storeAt(file) === undefined) return undefined;
	const { isStore, error } = await lookForKeys(file);
	if (error) throw new RootcellarError(error.code, `${file} cannot be read: ${error.message}`);
	return isStore ? openDataStore({ filename: file, readOnly: true }) : undefined;
}

/**
 * Refuses keys that exist. Keys of earlier slices are among them, so that a key that the source has twice is refused, too.
 *
 * @param {Pick<Sqlite, "all">[]} places
 * @param {Importable[]} items
 * @param {Pick<Sqlite, "all">} [stored] what there was before the import, if there was anything
 */
async function refuseExisting(places, items, stored) {
	/** @type {Map<string | null, string[]>} */
	const keysOf = new Map();
	for (const { entry } of items) {
		const community = entry.communityId || null;
		const keys = keysOf.get(community);
		if (keys === undefined) keysOf.set(community, [entry.key]);
		else keys.push(entry.key);
	}
	/** @type {Map<string | null, Set<string>>} */
	const seen = new Map();
	for (const [community, keys] of keysOf) {
		const parameters = { community, keys: JSON.stringify(keys), now: Date.now() };
		const found = await Promise.all(places.map((place) => place.all(FOUND, parameters)));
		seen.set(community, new Set(found.flat().map(({ key }) => key)));
	}
	for (const item of items) {
		const keys = seen.get(item.entry.communityId || null);
		if (keys?.has(item.entry.key)) {
			const { key, communityId } = item.entry;
			const parameters = { community: communityId || null, keys: JSON.stringify([key]), now: Date.now() };
			const found = await stored?.all(FOUND, parameters);
			throw exists(item, found !== undefined && found.length > 0);
		}
		keys?.add(item.entry.key);
	}
}

/**
 * @param {Importable} item
 * @param {boolean} isStored the store has it, and not only the source twice
 */
function exists({ from, entry }, isStored) {
	const isLine = from.startsWith("line ");
	const what = isLine ? `the key of ${from}` : `the key ${shown(entry.key)}, ${from},`;
	const before = isLine ? "is that of a line before" : "is what one before it has become";
	const problem = isStored
		? "exists; nothing was imported, and --force overwrites"
		: `${before}; nothing was imported, and --force takes the last`;
	return new RootcellarError("ERR_KEY_EXISTS", `${what} ${problem}`);
}

/**
 * Backs up. If that fails, the keys are imported all the same, and a note says so.
 *
 * @param {DataStore} store
 */
async function backUp({ backups }) {
	try {
		await backups.create();
	} catch (error) {
		const { code, message } = /** @type {import("../../..").RootcellarError} */ (error);
		// A process that has the file open backs them up.
		if (code !== "ERR_BACKUP_ELSEWHERE") note(`the keys are stored, and not backed up yet: ${message} (${code})`);
	}
}

module.exports = { IDLE_LIMIT_MS, checkAgainst, exists, importInto };
