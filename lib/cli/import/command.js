"use strict";

const { closeSync, openSync } = require("node:fs");
const { RootcellarError } = require("../../base/errors.js");
const { outputAt, storeAt } = require("../files.js");
const { counted, print } = require("../output.js");
const { locateKeys } = require("../locate.js");
const { ImportReport } = require("./report.js");
const { openSource } = require("./sources/index.js");
const { checkOnServer, importOnServer, problemOnServer } = require("./server-target.js");
const { checkAgainst, importInto } = require("./target.js");
const { transfer } = require("./transfer.js");

/**
 * @typedef {import("./sources/source.js").ImportOptions} ImportOptions
 * @typedef {import("./sources/source.js").Source} Source
 */

/**
 * Stores all keys of a source or none. The source is read twice: first every key is checked, then all are stored in one
 * transaction. So it need not be kept in memory, and a store is not kept waiting for what cannot be imported.
 *
 * @param {string | undefined} given path of the source
 * @param {ImportOptions} options
 */
async function importKeys(given, options) {
	if (options.from === undefined && options.skip) {
		throw new RootcellarError("ERR_USAGE", "--skip does not apply to lines, which are all imported or none");
	}
	const place = locateKeys(options);
	if (place.file !== undefined) storeAt(place.file);
	const source = await openSource(given, options, place.file);
	try {
		const use = (/** @type {number | undefined} */ descriptor) => carry(source, place, options, descriptor);
		const report = await withReportFile(options, place, given ?? options.input, use);
		tell(source, report, options);
	} finally {
		await source.close();
	}
}

/**
 * @param {Source} source
 * @param {ReturnType<typeof locateKeys>} place
 * @param {ImportOptions} options
 * @param {number | undefined} descriptor
 */
async function carry(source, place, options, descriptor) {
	const { dryRun = false, force = false, skip = false } = options;
	const { check, store, problemWith } = targetOf(place, force);
	const found = new ImportReport(descriptor);
	const read = (/** @type {import("./target.js").Take} */ take) =>
		transfer(source, options, { title: "reading", report: found, isChecked: false, problemWith }, take);
	// An import that is refused makes no store where there was none.
	const isNew = place.file !== undefined && storeAt(place.file) === undefined;
	await (dryRun || isNew ? check(read) : read(async () => {})).finally(() => found.flush());
	if (!skip) found.check(options.from !== undefined);
	if (dryRun || found.keys === 0) return found;
	const stored = new ImportReport();
	await store(async (take) => {
		const pass = { title: "importing", report: stored, isChecked: found.refused.keys === 0, problemWith };
		await transfer(source, options, pass, take);
		// A program that is at work on the source may have added some.
		if (!skip) stored.check(options.from !== undefined);
	});
	return stored;
}

/**
 * Target of an import: it checks keys against what is there, and stores all or none.
 *
 * @param {ReturnType<typeof locateKeys>} place
 * @param {boolean} force
 */
function targetOf(place, force) {
	/** @typedef {(take: import("./target.js").Take) => Promise<void>} Use */
	const { postgres } = place;
	return postgres === undefined
		? {
				check: (/** @type {Use} */ use) => checkAgainst(place.file, force, use),
				store: (/** @type {Use} */ use) => importInto(place, force, use),
				problemWith: undefined,
			}
		: {
				check: (/** @type {Use} */ use) => checkOnServer(postgres, force, use),
				store: (/** @type {Use} */ use) => importOnServer(force, use),
				problemWith: problemOnServer,
			};
}

/**
 * Creates the file of the report if one is wanted.
 *
 * @template T
 * @param {ImportOptions} options
 * @param {ReturnType<typeof locateKeys>} place
 * @param {string | undefined} source its path, if it has one
 * @param {(descriptor: number | undefined) => Promise<T>} use
 * @returns {Promise<T>}
 */
async function withReportFile({ report, force = false }, place, source, use) {
	if (report === undefined) return use(undefined);
	const descriptor = openSync(outputAt(report, place, force, source), "w");
	try {
		return await use(descriptor);
	} finally {
		closeSync(descriptor);
	}
}

/**
 * @param {Source} source
 * @param {InstanceType<typeof ImportReport>} report
 * @param {ImportOptions} options
 */
function tell(source, report, options) {
	const { from, community, dryRun = false } = options;
	const { keys, skipped, expired, inexact, refused } = report;
	const left = community === undefined || !source.hasCommunities ? {} : { skipped };
	const others = skipped === 0 ? "" : `, ${skipped} of other communities ${skipped === 1 ? "was" : "were"} left out`;
	const first = `${counted(keys)} ${dryRun ? "would be" : keys === 1 ? "was" : "were"} imported${others}`;
	if (from === undefined) {
		print(options, { keys, ...left, inexact }, [first, ...report.describe()].join("\n"));
		return;
	}
	const value = { from, dryRun, keys, ...left, expired, inexact, refused, notes: source.notes };
	print(options, value, [first, ...source.notes, ...report.describe()].join("\n"));
}

module.exports = { carry, importKeys };
