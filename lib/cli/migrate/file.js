"use strict";

const { expiryOf } = require("../../base/key-entry.js");
const { openDataStore } = require("../../data-store.js");
const { IS_OTHER, exportedRows } = require("../export-query.js");
const { storeAt } = require("../files.js");
const { existing, locateBoth, openWithBackups } = require("../locate.js");

/**
 * @typedef {import("../server/keys.js").StoredEntry} StoredEntry
 * @typedef {import("../server/keys.js").Side} Side
 */

/** Keys of a page, and the UTF-16 units of values after which one ends early. */
const PAGE_KEYS = 1_000;
const PAGE_LENGTH = 4 << 20;

/**
 * A store on SQLite.
 *
 * @param {string} given
 * @param {boolean} isTarget a target is created where there is none, and backed up at the end
 * @returns {Promise<Side>}
 */
async function openFile(given, isTarget) {
	const place = locateBoth({ file: given });
	if (isTarget) storeAt(place.file);
	else existing(place.file, "migrate");
	const store = isTarget
		? await openWithBackups(place)
		: openDataStore({ filename: place.file, readOnly: true, backup: false });
	try {
		// A missing file is restored from its backups first.
		const { keys, others } = await countsOf(store.sqlite);
		let leftOut = 0;
		return {
			title: place.file,
			// A file that is only removed is restored from its backups.
			emptying: `npx rootcellar reset --file "${place.file}"`,
			keys,
			pages: () => {
				leftOut = others;
				return pagesOf(store.sqlite, () => leftOut++);
			},
			leftOut: () => leftOut,
			problemWith,
			write: (rows) => store.appData.set(rows.map(entryOf)),
			close: () => store.close(),
		};
	} catch (error) {
		await store.close();
		throw error;
	}
}

/** @param {import("../../..").Sqlite} sqlite */
async function countsOf(sqlite) {
	const row = await sqlite.get(
		`SELECT CAST(count(*) AS REAL) AS keys, CAST(count(*) FILTER (WHERE ${IS_OTHER}) AS REAL) AS others FROM __rootapp_kv`,
	);
	return { keys: Number(row?.keys), others: Number(row?.others) };
}

/**
 * @param {import("../../..").Sqlite} sqlite
 * @param {() => void} leftOut
 * @returns {AsyncGenerator<StoredEntry[]>}
 */
async function* pagesOf(sqlite, leftOut) {
	/** @type {StoredEntry[]} */
	let page = [];
	let length = 0;
	for await (const { key, communityId, value, expiresAt } of exportedRows(sqlite, undefined, leftOut)) {
		// Another program may have stored anything; what is no text is found when it is written.
		page.push([key, communityId, value ?? "", expiresAt === null ? null : expiryOf(expiresAt)]);
		length += value?.length ?? 0;
		if (page.length < PAGE_KEYS && length < PAGE_LENGTH) continue;
		yield page;
		[page, length] = [[], 0];
	}
	if (page.length > 0) yield page;
}

/**
 * A store writes values as JavaScript does, which has no JSON for a number beyond its range: it would become `null`.
 *
 * @param {StoredEntry} row
 */
function problemWith([, , text]) {
	let isBeyond = false;
	JSON.parse(text, (_, value) => {
		isBeyond ||= value === Infinity || value === -Infinity;
		return value;
	});
	return isBeyond ? "it has a number beyond the range of JavaScript" : undefined;
}

/** @param {StoredEntry} row */
function entryOf([key, community, text, expiresAt]) {
	return {
		key,
		value: JSON.parse(text),
		communityId: community ?? undefined,
		expiresAt: expiresAt === null ? undefined : new Date(expiresAt),
	};
}

module.exports = { openFile };
