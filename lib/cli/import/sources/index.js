"use strict";

const path = require("node:path");
const { RootcellarError } = require("../../../base/errors.js");
const { COMPANIONS, isSame, statOf } = require("../../files.js");

/**
 * @typedef {import("./source.js").ImportOptions} ImportOptions
 * @typedef {import("./source.js").Source} Source
 */

/**
 * Sources by the name that `--from` takes, and what each has to do with the options that not all have. Only one is loaded.
 *
 * @type {Record<string, { open: (place: string, options: ImportOptions) => Promise<Source>, options: string[] }>}
 */
const SOURCES = {
	"quick.db": { open: (...args) => require("./quick-db.js").openQuickDb(...args), options: ["table"] },
	enmap: { open: (...args) => require("./enmap.js").openEnmap(...args), options: ["table"] },
	keyv: { open: (...args) => require("./keyv.js").openKeyv(...args), options: ["table"] },
	"node-persist": { open: (place) => require("./node-persist.js").openNodePersist(place), options: [] },
	json: { open: (...args) => require("./document.js").openDocument(...args), options: ["split"] },
	rootcellar: { open: (place) => require("./store.js").openStore(place), options: [] },
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
	if (foreign !== undefined) throw usage(`--${foreign} does not apply to ${from ?? "lines"}`);
	if (source === undefined) {
		if (place !== undefined) throw usage(`name the source of ${place} with --from, or give lines with --input`);
		return require("./lines.js").openLines(input, store);
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
