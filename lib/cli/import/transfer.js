"use strict";

const { checkEntry } = require("../../base/arguments.js");
const { progressBar } = require("../progress.js");

/**
 * @typedef {import("./sources/source.js").ImportOptions} ImportOptions
 * @typedef {import("./sources/source.js").Item} Item
 * @typedef {import("./sources/source.js").Source} Source
 * @typedef {import("./sources/source.js").SourceEntry} SourceEntry
 * @typedef {InstanceType<typeof import("./report.js").ImportReport>} ImportReport
 * @typedef {Item & { entry: SourceEntry }} Importable
 */

/**
 * One reading of a source.
 *
 * @typedef {object} Pass
 * @property {string} title
 * @property {ImportReport} report
 * @property {boolean} isChecked all can be stored that can be read
 * @property {ProblemWith} [problemWith] why the target's engine cannot store an entry, if it cannot
 *
 * @typedef {(entry: SourceEntry) => string | undefined} ProblemWith
 */

/** Bounds of a slice, which is handed to the writer at a time. */
const SLICE_KEYS = 1_000;
const SLICE_BYTES = 4 << 20;

/** Size of an item up to which it can be stored: each level of a value takes a byte at least. */
const SAFE_BYTES = 1_000;

/**
 * Reads a source, and hands what can be imported to `take` in slices.
 *
 * @param {Source} source
 * @param {ImportOptions} options
 * @param {Pass} pass
 * @param {(items: Importable[]) => Promise<void>} take
 */
async function transfer(source, options, { title, report, isChecked, problemWith }, take) {
	const bar = progressBar(options, title);
	/** @type {Importable[]} */
	let slice = [];
	let sliceBytes = 0;
	const hand = async () => {
		const items = isChecked ? slice : storable(slice, report, problemWith);
		[slice, sliceBytes] = [[], 0];
		for (const item of items) report.add(item);
		if (items.length > 0) await take(items);
	};
	try {
		for await (const { items, done } of source.read()) {
			for (const item of items) {
				const importable = importableOf(source, options, report, item);
				if (importable !== undefined) slice.push(importable);
				sliceBytes += item.bytes ?? 0;
			}
			if (slice.length < SLICE_KEYS && sliceBytes <= SLICE_BYTES) continue;
			await hand();
			bar.update(done, Math.max(source.total, done), source.of);
		}
		await hand();
	} finally {
		bar.end();
	}
}

/**
 * The item as it is to be stored, unless it is none that can be or is wanted; the report then counts it.
 *
 * @param {Source} source
 * @param {ImportOptions} options
 * @param {ImportReport} report
 * @param {Item} item
 * @returns {Importable | undefined}
 */
function importableOf({ hasCommunities }, { community, prefix = "" }, report, item) {
	const { entry } = item;
	if (item.key !== undefined) item.key = prefix + item.key;
	if (entry === undefined) {
		if (item.isExpired) report.expired++;
		else report.refuse(item, item.refusal ?? "cannot be read");
		return undefined;
	}
	if (community !== undefined && hasCommunities && community !== (entry.communityId ?? "")) {
		report.skipped++;
		return undefined;
	}
	if (!hasCommunities) entry.communityId = community;
	entry.key = prefix + entry.key;
	return /** @type {Importable} */ (item);
}

/**
 * The items that a store takes. The others are refused.
 *
 * @param {Importable[]} items
 * @param {ImportReport} report
 * @param {ProblemWith | undefined} problemWith
 */
function storable(items, report, problemWith) {
	return items.filter((item) => {
		// A small value is neither too large nor nested too deep.
		const isSafe = (item.bytes ?? Infinity) <= SAFE_BYTES;
		const problem = problemWith?.(item.entry) ?? (isSafe ? undefined : problemOf(item.entry));
		if (problem !== undefined) report.refuse(item, problem);
		return problem === undefined;
	});
}

/**
 * Says why an entry cannot be stored, if it cannot.
 *
 * @param {SourceEntry} entry
 */
function problemOf(entry) {
	try {
		checkEntry(entry, undefined);
		return undefined;
	} catch (error) {
		const { code } = /** @type {NodeJS.ErrnoException} */ (error);
		return code === "ERR_TOO_LARGE"
			? "is too large: a key and its value have room for one billion bytes together"
			: "has a value that JSON.stringify cannot write; it may be nested too deep";
	}
}

module.exports = { transfer };
