"use strict";

const { createReadStream, createWriteStream } = require("node:fs");
const path = require("node:path");
const { Readable } = require("node:stream");
const { pipeline } = require("node:stream/promises");
const { RootcellarError } = require("../base/errors.js");
const { storeAt, statOf } = require("./files.js");
const { linesOf, toEntry } = require("./lines.js");
const { note, print } = require("./output.js");
const { progressBar } = require("./progress.js");
const { locateBoth, withStore } = require("./store.js");
const { removedAtEnd, temporaryFolderNear } = require("./temporary.js");

/** Bounds of a slice, which is handed to the writer at a time. */
const SLICE_KEYS = 1_000;
const SLICE_BYTES = 4 << 20;

/**
 * @typedef {import("./store.js").CommandOptions & { community?: string, input?: string, force?: boolean }} ImportOptions
 * @typedef {import("./lines.js").LineEntry & { number: number }} Numbered
 */

/**
 * Reads lines as `export` writes them, and stores all of their keys or none. The input is read twice: first every line is
 * checked, then all are stored in one transaction. So the input need not be kept in memory.
 *
 * @param {ImportOptions} options
 */
async function importKeys(options) {
	const place = locateBoth(options);
	storeAt(place.file);
	const source = await repeatable(options.input, place.file);
	try {
		const { keys, skipped } = await checkInput(source, options);
		if (keys > 0) await write(place, source, options);
		const left = options.community === undefined ? {} : { skipped };
		const rest = skipped === 0 ? "" : `, ${skipped} of other communities were left out`;
		print(options, { keys, ...left }, `${keys} keys were imported${rest}`);
	} finally {
		source.remove();
	}
}

/**
 * Makes an input readable more than once: a file is, and any other input is copied to one beside the store.
 *
 * @param {string | undefined} input
 * @param {string} store
 */
async function repeatable(input, store) {
	const given = input === undefined ? undefined : path.resolve(input);
	const found = given === undefined ? undefined : statOf(given);
	if (given !== undefined && found === undefined) {
		throw new RootcellarError("ERR_NOT_FOUND", `there is no ${given} to import`);
	}
	if (given !== undefined && found?.isDirectory()) {
		throw new RootcellarError("ERR_NOT_A_FILE", `${given} is a folder; expected a file of lines`);
	}
	if (given !== undefined && found?.isFile()) {
		return { file: given, bytes: found.size, remove: () => {} };
	}
	if (given === undefined && process.stdin.isTTY && process.stderr.isTTY) {
		note("reading keys from the terminal, to its end of file");
	}
	const folder = temporaryFolderNear(store);
	const remove = removedAtEnd(folder);
	const file = path.join(folder, "keys.jsonl");
	await pipeline(given === undefined ? process.stdin : createReadStream(given), createWriteStream(file));
	return { file, bytes: statOf(file)?.size ?? 0, remove };
}

/**
 * @typedef {Awaited<ReturnType<typeof repeatable>>} Source
 */

/**
 * The entries of an input in slices, and the number of those left out.
 *
 * @param {Source} source
 * @param {ImportOptions} options
 * @param {string} title
 * @returns {AsyncGenerator<{ entries: Numbered[], skipped: number }>}
 */
async function* slices({ file, bytes }, options, title) {
	const { community } = options;
	const bar = progressBar(options, title);
	let done = 0;
	let sliceBytes = 0;
	let slice = { entries: /** @type {Numbered[]} */ ([]), skipped: 0 };
	try {
		for await (const line of linesOf(Readable.from(createReadStream(file, { highWaterMark: 1 << 20 })))) {
			const entry = { ...toEntry(line.text, line.number), number: line.number };
			if (community === undefined || community === (entry.communityId ?? "")) {
				slice.entries.push(entry);
			} else {
				slice.skipped++;
			}
			sliceBytes += line.bytes;
			if (slice.entries.length + slice.skipped >= SLICE_KEYS || sliceBytes > SLICE_BYTES) {
				yield slice;
				done += sliceBytes;
				bar.update(done, Math.max(bytes, done));
				[slice, sliceBytes] = [{ entries: [], skipped: 0 }, 0];
			}
		}
		yield slice;
	} finally {
		bar.end();
	}
}

/**
 * @param {Source} source
 * @param {ImportOptions} options
 */
async function checkInput(source, options) {
	let [keys, skipped] = [0, 0];
	for await (const slice of slices(source, options, "reading")) {
		keys += slice.entries.length;
		skipped += slice.skipped;
	}
	return { keys, skipped };
}

/**
 * @param {{ file: string, url?: string }} place
 * @param {Source} source
 * @param {ImportOptions} options
 */
async function write(place, source, options) {
	await withStore(place, async (store) => {
		await store.sqlite.transaction(async ({ appData }) => {
			for await (const { entries } of slices(source, options, "importing")) {
				if (!options.force) await refuseExisting(appData, entries);
				await appData.set(entries.map(({ number, ...entry }) => entry));
			}
		});
		if (place.url !== undefined) await backUp(store);
	});
}

/**
 * Refuses keys that exist. Keys of earlier slices are among them, so that a key that the input has twice is refused, too.
 *
 * @param {import("../..").KeyValueStore} appData
 * @param {Numbered[]} entries
 */
async function refuseExisting(appData, entries) {
	const found = await Promise.all(entries.map(({ key, communityId }) => appData.get(key, communityId)));
	const seen = new Set();
	for (const [index, { key, communityId, number }] of entries.entries()) {
		const name = JSON.stringify([key, communityId]);
		if (found[index] !== undefined || seen.has(name)) {
			throw new RootcellarError(
				"ERR_KEY_EXISTS",
				`the key of line ${number} exists, or a line before has it; nothing was imported, and --force overwrites`,
			);
		}
		seen.add(name);
	}
}

/**
 * Backs up. If that fails, the keys are imported all the same, and a note says so.
 *
 * @param {import("../..").DataStore} store
 */
async function backUp({ backups }) {
	try {
		await backups.create();
	} catch (error) {
		const { code, message } = /** @type {import("../..").RootcellarError} */ (error);
		// A process that has the file open backs them up.
		if (code !== "ERR_BACKUP_ELSEWHERE") note(`the keys are stored, and not backed up yet: ${message} (${code})`);
	}
}

module.exports = { importKeys };
