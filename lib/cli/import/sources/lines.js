"use strict";

const { createReadStream, createWriteStream } = require("node:fs");
const { tmpdir } = require("node:os");
const { Readable } = require("node:stream");
const { pipeline } = require("node:stream/promises");
const path = require("node:path");
const { RootcellarError } = require("../../../base/errors.js");
const { statOf } = require("../../files.js");
const { linesOf, toEntry } = require("../../json-lines.js");
const { note } = require("../../output.js");
const { hasRoundedInteger } = require("../values/json.js");
const { removedAtEnd, temporaryFolderNear } = require("../../temporary-files.js");

/** @typedef {import("./source.js").Source} Source */

/**
 * Opens lines as `export` writes them.
 *
 * @param {string | undefined} input a file; without one, the standard input
 * @param {string | undefined} store beside which the input is kept if it can be read only once
 * @returns {Promise<Source>}
 */
async function openLines(input, store) {
	const { file, bytes, remove } = await repeatable(input, store);
	return {
		name: "lines",
		hasCommunities: true,
		notes: [],
		total: bytes,
		of: undefined,
		async *read() {
			let done = 0;
			for await (const line of linesOf(Readable.from(createReadStream(file, { highWaterMark: 1 << 20 })))) {
				const { key, ...rest } = toEntry(line.text, line.number);
				done += line.bytes;
				/** @type {Set<import("../values/kinds.js").Kind>} */
				const kinds = new Set(hasRoundedInteger(line.text) ? ["digits"] : []);
				const item = { from: `line ${line.number}`, key, bytes: line.bytes, kinds, entry: { key, ...rest } };
				yield { items: [item], done };
			}
		},
		close: async () => remove(),
	};
}

/**
 * Makes an input readable more than once: a file is, and any other input is copied to one beside the store.
 *
 * @param {string | undefined} input
 * @param {string | undefined} store
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
		return { file: given, bytes: Number(found.size), remove: () => {} };
	}
	if (given === undefined && process.stdin.isTTY && process.stderr.isTTY) {
		note("reading keys from the terminal, to its end of file");
	}
	const folder = temporaryFolderNear(store ?? path.join(tmpdir(), "keys"));
	const remove = removedAtEnd(folder);
	const file = path.join(folder, "keys.jsonl");
	await pipeline(given === undefined ? process.stdin : createReadStream(given), createWriteStream(file));
	return { file, bytes: Number(statOf(file)?.size ?? 0), remove };
}

module.exports = { openLines };
