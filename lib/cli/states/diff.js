"use strict";

const os = require("node:os");
const path = require("node:path");
const { createDifference } = require("../../api/backup/difference.js");
const { shown } = require("../../base/json.js");
const { counted, print, write } = require("../output.js");
const { progressBar } = require("../progress.js");
const { existing, locate } = require("../locate.js");
const { allRemovedAtEnd } = require("../temporary-files.js");

/**
 * @typedef {import("../../..").DifferenceSummary} DifferenceSummary
 * @typedef {import("../../..").KeyDifference} KeyDifference
 * @typedef {import("../../..").StoredValue} StoredValue
 * @typedef {import("../../..").TableDifference} TableDifference
 * @typedef {import("../locate.js").CommandOptions} CommandOptions
 * @typedef {CommandOptions & { at: Date | string, to?: Date | string, community?: string, prefix?: string }} DiffOptions
 */

/** UTF-16 units of lines that are written at a time, and of a value that a line shows. */
const WRITE_LENGTH = 1 << 16;
const VALUE_LENGTH_SHOWN = 60;

/**
 * Writes what differs between two states: a line for each key, and the numbers.
 *
 * @param {DiffOptions} options
 */
async function diff(options) {
	const { file, url } = locate(options);
	const { at, to, community, prefix } = options;
	if (to === undefined) existing(file, "compare");
	const bar = progressBar(options, "comparing");
	const units = { restore: "bytes of backups", compare: "rows" };
	const onProgress = (/** @type {import("../../..").DifferenceProgress} */ { phase, done, total }) =>
		bar.update(done, total, units[phase]);
	const folder = path.dirname(file);
	const remove = allRemovedAtEnd(path.join(folder, `rootcellar-compared-${process.pid}-`));
	const place = { destination: { url }, file, folders: [folder, os.tmpdir()], settled: async () => {} };
	const difference = createDifference({ at, to, community, prefix, onProgress }, () => place);
	try {
		const summary = await difference.summary().finally(bar.end);
		await writeKeys(difference, options.json ? toJsonLine : toLine);
		print(options, { summary }, told(summary));
	} finally {
		await difference.return?.();
		remove();
	}
}

/**
 * @param {AsyncIterable<KeyDifference>} difference
 * @param {(key: KeyDifference) => string} toText
 */
async function writeKeys(difference, toText) {
	let lines = "";
	for await (const key of difference) {
		lines += `${toText(key)}\n`;
		if (lines.length > WRITE_LENGTH) {
			await write(lines);
			lines = "";
		}
	}
	await write(lines);
}

/** @param {KeyDifference} difference */
function toJsonLine({ key, community, before, after }) {
	const address = JSON.stringify(community === undefined ? { key } : { key, communityId: community });
	return `${address.slice(0, -1)},"before":${jsonOf(before)},"after":${jsonOf(after)}}`;
}

/** @param {StoredValue | undefined} stored */
function jsonOf(stored) {
	if (stored === undefined) return "null";
	const { value, json, expiresAt } = stored;
	const expiry = expiresAt === undefined ? "" : `,"expiresAt":${expiresAt}`;
	// A text that is not JSON is written as a JSON string.
	return value === undefined ? `{"text":${JSON.stringify(json)}${expiry}}` : `{"value":${json}${expiry}}`;
}

/** @param {KeyDifference} difference */
function toLine({ key, community, before, after }) {
	const name = community === undefined ? shown(key) : `${shown(community)} ${shown(key)}`;
	if (before === undefined) return `+ ${name}  ${shownValue(after)}`;
	return after === undefined
		? `- ${name}  ${shownValue(before)}`
		: `~ ${name}  ${shownValue(before)} -> ${shownValue(after)}`;
}

/** @param {StoredValue | undefined} stored */
function shownValue(stored) {
	const { value, json = "", expiresAt } = stored ?? {};
	const text = value === undefined ? JSON.stringify(json) : json.replace(/[\t\n\r]+/g, " ");
	const short = text.length > VALUE_LENGTH_SHOWN ? `${text.slice(0, VALUE_LENGTH_SHOWN)}...` : text;
	return expiresAt === undefined ? short : `${short} until ${timeOf(expiresAt)}`;
}

/** @param {number} ms */
function timeOf(ms) {
	const time = new Date(ms);
	return Number.isNaN(time.getTime()) ? String(ms) : time.toISOString();
}

/** @param {DifferenceSummary} summary */
function told({ at, to, keys, tables }) {
	const until = to === undefined ? "now" : `${to.createdAt.toISOString()} (${to.id})`;
	return [
		`from ${at.createdAt.toISOString()} (${at.id}) to ${until}:`,
		`keys: ${numbers(keys)}`,
		...tables.map((table) => `table ${shown(table.name)}: ${numbersOf(table)}`),
	].join("\n");
}

/** @param {TableDifference} table */
function numbersOf({ rowsBefore, rowsAfter, isSchemaChanged, ...rows }) {
	if (rowsBefore === undefined) return `made, with ${counted(rowsAfter ?? 0, "row")}`;
	if (rowsAfter === undefined) return `dropped, with ${counted(rowsBefore, "row")}`;
	return `${numbers(rows)}${isSchemaChanged ? "; another definition" : ""}`;
}

/** @param {{ added: number, removed: number, changed: number }} numbers */
function numbers({ added, removed, changed }) {
	return `${added} added, ${removed} removed, ${changed} changed`;
}

module.exports = { diff };
