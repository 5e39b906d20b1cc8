"use strict";

const { createReadStream, createWriteStream, existsSync } = require("node:fs");
const path = require("node:path");
const { createInterface } = require("node:readline");
const { Readable } = require("node:stream");
const { pipeline } = require("node:stream/promises");
const { RootcellarError } = require("../errors.js");
const { print } = require("./output.js");
const { locate, withStore } = require("./store.js");

/** Keys that are written in one transaction. */
const BATCH_KEYS = 1_000;

/**
 * @typedef {import("./store.js").Options & { community?: string, force?: boolean }} Options
 * @typedef {{ key: string, value: unknown, expiresAt?: string, communityId?: string }} Line
 */

/**
 * Writes every key as a line `{"key":…,"value":…}`, with `expiresAt` where it has one.
 *
 * @param {Options & { output?: string }} options
 */
async function exportKeys(options) {
	const { path: file } = locate(options);
	if (!existsSync(file)) {
		throw new RootcellarError("ERR_NOT_FOUND", `there is no ${file} to export`);
	}
	const output = options.output === undefined ? undefined : path.resolve(options.output);
	if (output !== undefined && existsSync(output) && !options.force) {
		throw new RootcellarError("ERR_FILE_EXISTS", `${output} exists; --force replaces it`);
	}
	const entries = await withStore(options, (store) => store.appData.select("%", options.community), false);
	const lines = Readable.from(
		(function* () {
			for (const { key, value, expiresAt } of entries) yield `${JSON.stringify({ key, value, expiresAt })}\n`;
		})(),
	);
	if (output === undefined) {
		await pipeline(lines, process.stdout, { end: false });
	} else {
		await pipeline(lines, createWriteStream(output));
		print(options, { keys: entries.length, file: output }, `${entries.length} keys are in ${output}`);
	}
}

/**
 * Reads lines as {@link exportKeys} writes them. Without `--force` nothing at all is written where a key exists.
 *
 * @param {Options & { input?: string }} options
 */
async function importKeys(options) {
	const input = options.input === undefined ? process.stdin : createReadStream(path.resolve(options.input));
	const entries = await readEntries(input, options.community);
	await withStore(options, async ({ appData }) => {
		if (!options.force) {
			await refuseExisting(appData, entries);
		}
		for (let start = 0; start < entries.length; start += BATCH_KEYS) {
			await appData.set(entries.slice(start, start + BATCH_KEYS));
		}
	});
	print(options, { keys: entries.length }, `${entries.length} keys were imported`);
}

/**
 * @param {NodeJS.ReadableStream} input
 * @param {string | undefined} communityId
 */
async function readEntries(input, communityId) {
	const entries = [];
	let number = 0;
	for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
		number++;
		if (text.trim() !== "") entries.push(toEntry(text, number, communityId));
	}
	return entries;
}

/**
 * @param {string} text
 * @param {number} number
 * @param {string | undefined} communityId
 */
function toEntry(text, number, communityId) {
	const invalid = (/** @type {string} */ problem) =>
		new RootcellarError("ERR_INVALID_INPUT", `line ${number} ${problem}; nothing was imported`);
	/** @type {Line} */
	let line;
	try {
		line = JSON.parse(text);
	} catch {
		throw invalid("is not JSON");
	}
	if (typeof line?.key !== "string" || line.value === undefined) {
		throw invalid('is not an object with "key", a text, and "value"');
	}
	const expiresAt = line.expiresAt === undefined ? undefined : new Date(line.expiresAt);
	if (expiresAt !== undefined && Number.isNaN(expiresAt.getTime())) {
		throw invalid('has an "expiresAt" that is no time');
	}
	return { key: line.key, value: line.value, expiresAt, communityId: communityId ?? line.communityId };
}

/**
 * @param {import("../..").KeyValueStore} appData
 * @param {{ key: string, communityId?: string }[]} entries
 */
async function refuseExisting(appData, entries) {
	const found = await Promise.all(entries.map(({ key, communityId }) => appData.get(key, communityId)));
	const existing = found.filter((value) => value !== undefined).length;
	if (existing > 0) {
		const message = `${existing} of ${entries.length} keys exist; nothing was imported, and --force overwrites them`;
		throw new RootcellarError("ERR_KEY_EXISTS", message);
	}
}

module.exports = { exportKeys, importKeys };
