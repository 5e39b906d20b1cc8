"use strict";

const path = require("node:path");
const { RootcellarError } = require("../../../base/errors.js");
const { COMPANIONS, isSame, statOf } = require("../../files.js");
const { openDocument } = require("./document.js");
const { openEnmap } = require("./enmap.js");
const { openKeyv } = require("./keyv.js");
const { openLines } = require("./lines.js");
const { openNodePersist } = require("./node-persist.js");
const { openQuickDb } = require("./quick-db.js");
const { openStore } = require("./store.js");

/**
 * @typedef {import("./source.js").ImportOptions} ImportOptions
 * @typedef {import("./source.js").Source} Source
 */

/**
 * Sources by the name that `--from` takes, and what each has to do with the options that not all have.
 *
 * @type {Record<string, { open: (place: string, options: ImportOptions) => Promise<Source>, options: string[] }>}
 */
const SOURCES = {
	"quick.db": { open: openQuickDb, options: ["table"] },
	enmap: { open: openEnmap, options: ["table"] },
	keyv: { open: openKeyv, options: ["table"] },
	"node-persist": { open: openNodePersist, options: [] },
	json: { open: openDocument, options: ["split"] },
	rootcellar: { open: openStore, options: [] },
};

/** Options that only some sources have. */
const SPECIAL_OPTIONS = /** @type {const} */ (["table", "split"]);

/**
 * Opens what is to be imported.
 *
 * @param {string | undefined} place
 * @param {ImportOptions} options
 * @param {string | undefined} store the file of the destination, if it is one
 */
async function openSource(place, options, store) {
	const { from, input } = options;
	const source = from === undefined ? undefined : SOURCES[from];
	const foreign = SPECIAL_OPTIONS.find((name) => options[name] !== undefined && !source?.options.includes(name));
	if (foreign !== undefined) throw usage(`--${foreign} says nothing about ${from ?? "lines"}`);
	if (source === undefined) {
		if (place !== undefined) throw usage(`name the source of ${place} with --from, or give lines with --input`);
		return openLines(input, store);
	}
	if (place === undefined) throw usage(`name the path of what ${from} has stored`);
	if (input !== undefined) throw usage("--input is for lines; name the path without it");
	const found = path.resolve(place);
	if (store !== undefined) refuseItself(found, store);
	return source.open(found, options);
}

/**
 * @param {string} place
 * @param {string} store
 */
function refuseItself(place, store) {
	const found = statOf(place);
	if (found !== undefined && COMPANIONS.some((suffix) => isSame(found, statOf(store + suffix)))) {
		throw new RootcellarError(
			"ERR_INVALID_INPUT",
			`${place} belongs to the store itself; expected another to import from`,
		);
	}
}

/** @param {string} problem */
function usage(problem) {
	return new RootcellarError("ERR_USAGE", problem);
}

module.exports = { SOURCES, openSource };
