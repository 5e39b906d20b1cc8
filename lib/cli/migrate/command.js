"use strict";

const { RootcellarError } = require("../../base/errors.js");
const { shown } = require("../../base/json.js");
const { locationFromEnvironment } = require("../../config/location.js");
const { openAdmin } = require("../../native/postgres/admin.js");
const { notesOnOthers } = require("../export-query.js");
const { counted, print } = require("../output.js");
const { activityBar, progressBar } = require("../progress.js");
const { Rows, compare, isAtEnd, isJson } = require("./compare.js");
const { isSameStore, openSide, placeOf } = require("./sides.js");

/**
 * @typedef {{ from?: string, to?: string, json?: boolean }} MigrateOptions
 * @typedef {import("../server/keys.js").Side} Side
 */

/** Keys that the message of a refusal names. */
const PROBLEMS_SHOWN_MAX = 20;

/**
 * Carries every key over to another store, or prepares a large table of the SDK for this package.
 *
 * @param {MigrateOptions} options
 */
async function migrate(options) {
	const { from, to } = options;
	if (from === undefined && to === undefined) return await adopt(options);
	const [sourceAt, targetAt] = [await placeOf(from, "--from"), await placeOf(to, "--to")];
	if (isSameStore(sourceAt, targetAt)) {
		const whose = from === undefined || to === undefined ? ": the one that is left out is DATABASE_CONFIG's" : "";
		throw new RootcellarError("ERR_USAGE", `--from and --to name the same store${whose}`);
	}
	const source = await openSide(sourceAt);
	try {
		const target = await openSide(targetAt);
		try {
			await carryOver(source, target, options);
		} finally {
			await target.close();
		}
	} finally {
		await source.close();
	}
}

/**
 * Carries over what the target lacks, and compares all of it. What a migration has left that was interrupted is where the
 * source begins, key by key; a target that has anything else is refused.
 *
 * @param {Side} source
 * @param {Side} target
 * @param {MigrateOptions} options
 */
async function carryOver(source, target, options) {
	await refuseUnfit(source, target);
	const bar = progressBar(options, "migrating");
	const total = Math.max(2 * source.keys, 1);
	const told = (/** @type {number} */ keys) => bar.update(Math.min(keys, total), total, `2 times ${source.keys} keys`);
	try {
		const present = await copyRest(source, target, told);
		const [read, written] = [new Rows(source.pages()), new Rows(target.pages())];
		const { keys, hash, differsAt } = await compare(read, written, (n) => told(source.keys + n));
		const isComplete = differsAt === undefined && (await isAtEnd(read));
		await Promise.all([read.close(), written.close()]);
		if (!isComplete) throw differs(source, target, differsAt);
		const leftOut = source.leftOut();
		bar.end();
		const text = [
			`${counted(keys)} of ${source.title} are in ${target.title}, in the same order, each compared`,
			...(present > 0 ? [`${counted(present)} had been carried over before`] : []),
			...notesOnOthers(leftOut),
			`SHA-256 of both: ${hash}`,
		];
		const value = { keys, carriedOver: keys - Math.min(present, keys), present, leftOut, hash };
		print(options, value, text.join("\n"));
	} finally {
		bar.end();
	}
}

/**
 * Refuses what the target could not hold, before anything is written.
 *
 * @param {Side} source
 * @param {Side} target
 */
async function refuseUnfit(source, target) {
	/** @type {string[]} */
	const problems = [];
	let keys = 0;
	for await (const page of source.pages()) {
		for (const entry of page) {
			const problem = isJson(entry[2]) ? target.problemWith(entry) : "its value is not JSON";
			if (problem === undefined) continue;
			keys++;
			if (problems.length < PROBLEMS_SHOWN_MAX) problems.push(`${shown(entry[0])}: ${problem}`);
		}
	}
	if (keys > 0) {
		const rest = keys > problems.length ? `; and ${keys - problems.length} more` : "";
		throw new RootcellarError(
			"ERR_INVALID_INPUT",
			`${counted(keys)} cannot be stored in ${target.title}: ${problems.join("; ")}${rest}; nothing was written`,
		);
	}
}

/**
 * Writes what is missing. Resolves with the number of keys that were there.
 *
 * @param {Side} source
 * @param {Side} target
 * @param {(keys: number) => void} told
 */
async function copyRest(source, target, told) {
	const [read, there] = [new Rows(source.pages()), new Rows(target.pages())];
	try {
		const { keys: present, differsAt } = await compare(read, there, told);
		if (differsAt !== undefined) {
			throw new RootcellarError(
				"ERR_KEY_EXISTS",
				`${target.title} has keys of its own, such as ${shown(differsAt[0])}, and nothing is overwritten; name an empty one`,
			);
		}
		let keys = present;
		for await (const page of read.rest()) {
			await target.write(page);
			keys += page.length;
			told(keys);
		}
		return present;
	} finally {
		await Promise.all([read.close(), there.close()]);
	}
}

/**
 * @param {Side} source
 * @param {Side} target
 * @param {import("./compare.js").Row | undefined} row
 */
function differs(source, target, row) {
	const where = row === undefined ? "some keys are missing" : `the first that differs is ${shown(row[0])}`;
	return new RootcellarError(
		"ERR_MIGRATION_DIFFERS",
		`${target.title} is not what ${source.title} is (${where}): somebody has written to one of them meanwhile. End what ` +
			`uses them, empty the target (${target.emptying}), and migrate again`,
	);
}

/**
 * Adopts the table that the SDK has left in the database of `DATABASE_CONFIG`, however large it is.
 *
 * @param {MigrateOptions} options
 */
async function adopt(options) {
	const { postgres } = locationFromEnvironment(process.env);
	if (postgres === undefined) {
		throw new RootcellarError(
			"ERR_USAGE",
			"name a file or the URL of a database with --from or --to; without either, DATABASE_CONFIG has to name a database " +
				"on PostgreSQL, whose table of the SDK is then prepared",
		);
	}
	const bar = activityBar(options, "preparing the table");
	try {
		const admin = await openAdmin(postgres);
		try {
			const { duplicates } = await admin.adopt();
			const { keys } = await admin.status();
			bar.end();
			const removed =
				duplicates === 0
					? ""
					: `; ${duplicates} older ${duplicates === 1 ? "row" : "rows"} of keys that had several ${duplicates === 1 ? "was" : "were"} removed`;
			print(options, { keys, duplicates }, `the table is ready, with about ${counted(keys)}${removed}`);
		} finally {
			await admin.close();
		}
	} finally {
		bar.end();
	}
}

module.exports = { migrate };
