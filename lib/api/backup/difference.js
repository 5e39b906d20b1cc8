"use strict";

const { checkCommunity, checkKey } = require("../../base/arguments.js");
const { invalidArgument, rejecter } = require("../../base/errors.js");
const { kindOf } = require("../../base/json.js");
const { readOptions } = require("../../base/kv-arguments.js");
const { StateDifference } = require("../../native/destination.js");
const { abortError, checkCancel } = require("../cancellation.js");
const { checkMoment, toMoment } = require("./moment.js");

/**
 * @typedef {import("../../..").Difference} Difference
 * @typedef {import("../../..").DifferenceProgress} DifferenceProgress
 * @typedef {import("../../..").DifferenceSummary} DifferenceSummary
 * @typedef {import("../../..").KeyDifference} KeyDifference
 * @typedef {import("../../..").StoredValue} StoredValue
 * @typedef {import("../../native/destination.js").Destination} Destination
 */

/**
 * Place of a difference: the destination, the file as it is now, and folders for what is restored.
 *
 * @typedef {object} DifferencePlace
 * @property {Destination} destination
 * @property {string} file
 * @property {string[]} folders
 * @property {() => Promise<void>} settled resolves when what was issued before is in the file
 */

/**
 * A differing key, as the core tells of it.
 *
 * @typedef {[string | null, string, string | null, number | null, string | null, number | null]} DifferenceRow
 */

const OPTIONS = ["at", "to", "community", "prefix", "signal", "onProgress"];

/** @param {unknown} given */
function checkDifference(given) {
	const options = readOptions(given, "options", OPTIONS);
	const { at, to, community, prefix = "" } = options;
	const onProgress = /** @type {((progress: DifferenceProgress) => void) | undefined} */ (options.onProgress);
	if (onProgress !== undefined && typeof onProgress !== "function") {
		throw invalidArgument("options.onProgress", `must be a function, not ${kindOf(onProgress)}`);
	}
	return {
		at: checkMoment(at, "options.at"),
		to: to === undefined ? undefined : checkMoment(to, "options.to"),
		community: community === undefined ? undefined : (checkCommunity(community, "options.community") ?? ""),
		prefix: checkKey(prefix, "options.prefix"),
		onProgress,
		cancel: checkCancel(options),
	};
}

/**
 * The difference of two states: an iterator over its keys, which begins the work when it is first asked for something.
 *
 * @param {unknown} given
 * @param {() => DifferencePlace} locate
 * @returns {Difference}
 */
function createDifference(given, locate) {
	const native = new StateDifference();
	/** @type {Promise<DifferenceSummary> | undefined} */
	let compared;
	/** @type {DifferenceRow[]} */
	let rows = [];
	let place = 0;
	let isLast = false;
	let isDone = false;
	/** @type {Promise<unknown>} settled when the last call is: calls are carried out one after the other */
	let last = Promise.resolve();
	/** @type {ReturnType<typeof checkDifference> | undefined} */
	let checked;
	/** @type {unknown} */
	let refused;
	try {
		checked = checkDifference(given);
	} catch (error) {
		refused = error;
	}
	const cancel = checked?.cancel;
	if (cancel) cancel.whenCancelled = () => native.close();

	const end = () => {
		isDone = true;
		cancel?.done();
		native.close();
	};

	const compare = async () => {
		if (checked === undefined) throw refused;
		const { at, to, community, prefix, onProgress } = checked;
		const { destination, file, folders, settled } = locate();
		if (to === undefined) await settled();
		const told = (/** @type {boolean} */ compares, /** @type {number} */ done, /** @type {number} */ total) => {
			if (!isDone) onProgress?.({ phase: compares ? "compare" : "restore", done, total });
		};
		const options = { at, to, community, prefix, file, folders };
		return toSummary(await native.compare(destination, options, onProgress && told));
	};

	const begin = () => {
		compared ??= (isDone ? Promise.reject(abortError()) : compare()).catch((error) => {
			end();
			throw cancel?.error ?? (error.code === "ABORT_ERR" ? abortError() : error);
		});
		// Whoever asks for it learns of a failure.
		compared.catch(() => {});
		return compared;
	};

	/** @returns {Promise<IteratorResult<KeyDifference>>} */
	const next = async () => {
		if (isDone) return { value: undefined, done: true };
		await begin();
		try {
			while (!isDone && place >= rows.length && !isLast) {
				const slice = await native.next();
				rows = JSON.parse(slice.json);
				place = 0;
				isLast = slice.isLast;
			}
		} catch (error) {
			end();
			throw cancel?.error ?? error;
		}
		if (cancel?.error) {
			end();
			throw cancel.error;
		}
		const row = isDone ? undefined : rows[place++];
		if (row === undefined) {
			end();
			return { value: undefined, done: true };
		}
		return { value: toDifference(row), done: false };
	};

	/** @type {Difference} */
	const difference = {
		next: () => {
			const result = last.then(next);
			last = result.catch(() => {});
			return new Promise((resolve, reject) => result.then(resolve, rejecter(resolve, reject)));
		},
		return: async () => {
			end();
			return { value: undefined, done: true };
		},
		summary: () => new Promise((resolve, reject) => begin().then(resolve, rejecter(resolve, reject))),
		[Symbol.asyncIterator]: () => difference,
		[Symbol.asyncDispose]: async () => end(),
	};
	return difference;
}

/**
 * @param {import("../../native/addon").DifferenceSummaryInfo} summary
 * @returns {DifferenceSummary}
 */
function toSummary({ at, to, added, removed, changed, tables }) {
	return {
		at: toMoment(/** @type {import("../../native/addon").MomentInfo} */ (at)),
		to: to && toMoment(to),
		keys: { added, removed, changed },
		tables: tables.map(({ rowsBefore, rowsAfter, ...table }) => ({ rowsBefore, rowsAfter, ...table })),
	};
}

/**
 * @param {DifferenceRow} row
 * @returns {KeyDifference}
 */
function toDifference([community, key, before, beforeExpiry, after, afterExpiry]) {
	return {
		key,
		community: community ?? undefined,
		before: toStored(before, beforeExpiry),
		after: toStored(after, afterExpiry),
	};
}

/**
 * @param {string | null} json
 * @param {number | null} expiresAt
 * @returns {StoredValue | undefined}
 */
function toStored(json, expiresAt) {
	if (json === null) return undefined;
	return { value: parsed(json), json, expiresAt: expiresAt ?? undefined };
}

/** @param {string} json */
function parsed(json) {
	try {
		return JSON.parse(json);
	} catch {
		// Another program has stored it.
		return undefined;
	}
}

module.exports = { createDifference };
