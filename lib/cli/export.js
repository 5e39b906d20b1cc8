"use strict";

const { open, rename, stat } = require("node:fs/promises");
const path = require("node:path");
const { RootcellarError } = require("../base/errors.js");
const { KEY_LENGTH_SHOWN } = require("../base/limits.js");
const { exportedRows } = require("./export-query.js");
const { outputAt } = require("./files.js");
const { toLine } = require("./json-lines.js");
const { counted, print, write } = require("./output.js");
const { progressBar } = require("./progress.js");
const { existing, locateKeys, withReader } = require("./locate.js");
const { openServer } = require("./server/keys.js");
const { removedAtEnd } = require("./temporary-files.js");

/**
 * @typedef {import("./locate.js").CommandOptions & { community?: string, output?: string, force?: boolean }} ExportOptions
 * @typedef {import("./export-query.js").ExportedRow} Row
 * @typedef {(text: string) => Promise<void>} WriteText
 */

/** UTF-16 units of lines that are written at a time. */
const WRITE_LENGTH = 1 << 16;

/**
 * Entries in the order of insertion, and how far it is: `place` of `total`.
 *
 * @typedef {object} Reading
 * @property {number} total
 * @property {AsyncIterable<Row>} rows
 */

/** Mode of a file that nobody but its owner may read: its keys come from no file whose owner and rights say who else may. */
const PRIVATE_MODE = 0o600;

/**
 * Writes the entries of every community, or of one, each as a line of JSON.
 *
 * @param {ExportOptions} options
 */
async function exportKeys(options) {
	const place = locateKeys(options);
	if (place.file !== undefined) existing(place.file, "export");
	if (options.output === undefined) {
		await exportTo(place, options, write);
		return;
	}
	const output = outputAt(options.output, place, options.force ?? false);
	const keys = await intoFile(output, place.file, (write) => exportTo(place, options, write));
	print(options, { keys, file: output }, `${counted(keys)} ${keys === 1 ? "is" : "are"} in ${output}`);
}

/**
 * @param {ReturnType<typeof locateKeys>} place
 * @param {ExportOptions} options
 * @param {WriteText} write
 */
async function exportTo(place, options, write) {
	// Lines on a terminal show the progress themselves.
	const isShown = options.output !== undefined || !process.stdout.isTTY;
	const bar = progressBar(isShown ? options : { json: true }, "exporting");
	const { community } = options;
	try {
		return place.postgres === undefined
			? await withReader(place.file, (store) => writeLines(store, community, write, bar))
			: await onServer(place.postgres, community, (reading) => writeRows(reading, write, bar));
	} finally {
		bar.end();
	}
}

/**
 * @param {import("../..").DataStore} store on SQLite
 * @param {string | undefined} community
 * @param {WriteText} write
 * @param {import("./progress.js").Bar} bar
 */
async function writeLines(store, community, write, bar) {
	return await writeRows(await inFile(store, community), write, bar);
}

/**
 * @param {import("../..").DataStore} store
 * @param {string | undefined} community
 * @returns {Promise<Reading>}
 */
async function inFile({ sqlite }, community) {
	const last = await sqlite.get("SELECT CAST(max(rowid) AS REAL) AS place FROM __rootapp_kv");
	return { total: last?.place ?? 0, rows: exportedRows(sqlite, community) };
}

/**
 * @param {import("../config/postgres/postgres.js").PostgresConfig} config
 * @param {string | undefined} community
 * @param {(reading: Reading) => Promise<number>} use
 */
async function onServer(config, community, use) {
	const side = await openServer(config, "the database");
	const isWanted = (/** @type {string | null} */ one) => community === undefined || one === (community || null);
	try {
		return await use({
			total: side.keys,
			rows: (async function* () {
				let place = 0;
				for await (const page of side.pages()) {
					for (const [key, communityId, value, expiresAt] of page) {
						place++;
						if (isWanted(communityId)) yield { place, key, communityId, value, expiresAt };
					}
				}
			})(),
		});
	} finally {
		await side.close();
	}
}

/**
 * @param {Reading} reading
 * @param {WriteText} write
 * @param {import("./progress.js").Bar} bar
 */
async function writeRows({ total, rows }, write, bar) {
	let keys = 0;
	let lines = "";
	for await (const row of rows) {
		lines += lineOf(row);
		keys++;
		if (lines.length > WRITE_LENGTH) {
			await write(lines);
			lines = "";
			bar.update(row.place, Math.max(total, row.place), `the rows, ${keys} keys`);
		}
	}
	await write(lines);
	return keys;
}

/** @param {Row} row */
function lineOf({ key, communityId, value, expiresAt }) {
	try {
		if (value === null) throw new TypeError("there is none");
		JSON.parse(value);
	} catch {
		const shown = JSON.stringify(key.slice(0, KEY_LENGTH_SHOWN));
		const where = communityId === null ? "" : ` of the community ${JSON.stringify(communityId)}`;
		throw new RootcellarError(
			"ERR_VALUE_NOT_JSON",
			`what is stored under the key ${shown}${where} is not JSON; another program must have written it`,
		);
	}
	return toLine(key, communityId, /** @type {string} */ (value), expiresAt ?? undefined);
}

/**
 * Writes a file whole or not at all.
 *
 * @param {string} file
 * @param {string | undefined} store
 * @param {(write: WriteText) => Promise<number>} use
 */
async function intoFile(file, store, use) {
	const unfinished = `${file}.${process.pid}.tmp`;
	const remove = removedAtEnd(unfinished);
	try {
		const keys = await writeWhole(unfinished, store, use);
		await rename(unfinished, file);
		return keys;
	} finally {
		remove();
	}
}

/**
 * Writes a new file, which is on disk when this resolves. Nobody may read it who may not read the store; what root makes
 * belongs to the owner of the folder.
 *
 * @param {string} file
 * @param {string | undefined} store
 * @param {(write: WriteText) => Promise<number>} use
 */
async function writeWhole(file, store, use) {
	const { mode } = store === undefined ? { mode: PRIVATE_MODE } : await stat(store);
	const handle = await open(file, "wx", mode & 0o666);
	try {
		if (process.getuid?.() === 0) {
			const { uid, gid } = await stat(path.dirname(file));
			await handle.chown(uid, gid);
		}
		const keys = await use((text) => handle.writeFile(text));
		await handle.sync();
		return keys;
	} finally {
		await handle.close();
	}
}

module.exports = { exportKeys, writeLines };
