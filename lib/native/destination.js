"use strict";

const { toError } = require("../base/errors.js");
const { DESTINATION, namingSource } = require("../config/backup.js");
const { nextTurn } = require("../process/event-loop.js");
const { loadBinding } = require("./binding.js");
const { toBackup, toRestore } = require("./decode.js");

// Requests to a destination of backups, and about files, without an open store.

/**
 * @typedef {import("./addon").LagInfo} LagInfo
 * @typedef {import("./addon").RestoreTarget} RestoreTarget
 * @typedef {import("./addon").RestoredInfo} RestoredInfo
 * @typedef {import("./addon").NativeCancel} NativeCancel
 * @typedef {(doneBytes: number, totalBytes: number) => void} Progress
 */

/**
 * Destination: its URL, who named it, and a file. If that file is open in this process, its destination is asked.
 *
 * @typedef {{ url: string, source?: string, store?: string }} Destination
 */

/**
 * The answer of a request, or its error. By then the progress of the request has been reported.
 *
 * @template {{ error?: import("./addon").Failure }} T
 * @param {Promise<T>} asked
 * @param {string} [source] who named the destination
 * @returns {Promise<Omit<T, "error">>}
 */
async function answerOf(asked, source = DESTINATION) {
	const { error, ...answer } = await asked;
	// In one turn of the event loop answers come before the progress that was reported on the way to them.
	await new Promise((/** @type {(value?: undefined) => void} */ resolve) => nextTurn(resolve));
	if (error) {
		throw toError(namingSource(error, source));
	}
	return answer;
}

/** Creates a token that cancels requests in the core. */
function createCancel() {
	return new (loadBinding().NativeCancel)();
}

/**
 * Lists the backups, the newest first.
 *
 * @param {Destination} destination
 */
async function listBackups({ url, source, store }) {
	const { backups = [] } = await answerOf(loadBinding().listBackups(url, store), source);
	return backups.map(toBackup);
}

/**
 * Restores to a file that is not open.
 *
 * @param {Destination} destination
 * @param {RestoreTarget} target
 * @param {{ file: string, overwrite: boolean }} output
 * @param {Progress} progress
 * @param {NativeCancel} [cancel]
 */
async function restoreBackup({ url, source, store }, target, { file, overwrite }, progress, cancel = createCancel()) {
	const asked = loadBinding().restoreBackup(url, target, file, overwrite, cancel, progress, store);
	const { restored } = await answerOf(asked, source);
	return toRestore(/** @type {RestoredInfo} */ (restored));
}

/**
 * Restores the newest state to a file that is removed again.
 *
 * @param {Destination} destination
 * @param {string} folder
 * @param {Progress} progress
 * @param {NativeCancel} [cancel]
 */
async function verifyBackups({ url, source, store }, folder, progress, cancel = createCancel()) {
	const answer = await answerOf(loadBinding().verifyBackups(url, folder, cancel, progress, store), source);
	const restored = /** @type {RestoredInfo} */ (answer.restored);
	return { ...toRestore(restored), files: restored.files ?? 0 };
}

/**
 * Reports how a file stands against its backups.
 *
 * @param {string} url
 * @param {string} file
 */
async function reportBackups(url, file) {
	const answer = await answerOf(loadBinding().reportBackups(url, file));
	const { backups = [], isServed = false, logBytes = 0, lag } = answer;
	return { backups: backups.map(toBackup), isServed, logBytes, lag: /** @type {LagInfo} */ (lag) };
}

/**
 * Reports on a file without its backups.
 *
 * @param {string} file
 */
async function reportLog(file) {
	const { isServed = false, logBytes = 0 } = await answerOf(loadBinding().reportLog(file));
	return { isServed, logBytes };
}

/**
 * True if opening a file would replace it while another process has it open. An error of the destination is left to the
 * opening to report.
 *
 * @param {string} url
 * @param {string} file
 */
async function wouldReplaceOpenFile(url, file) {
	const { replacesOpenFile = false } = await loadBinding().wouldReplaceOpenFile(url, file);
	return replacesOpenFile;
}

/**
 * Looks for the key-value table in a file: answers `isStore`, or the failure to read the file.
 *
 * @param {string} file
 */
function lookForKeys(file) {
	return loadBinding().lookForKeys(file);
}

/**
 * Refuses an output that belongs to a database, or lies in a folder of backups.
 *
 * @param {string | undefined} url
 * @param {string} output
 */
function checkOutput(url, output) {
	const refused = loadBinding().checkOutputPath(url, output);
	if (refused) throw toError(refused);
}

/**
 * True if a process makes the backups of a file now.
 *
 * @param {string} file
 */
function isBackedUp(file) {
	return loadBinding().isBackedUp(file);
}

/**
 * Forgets the state of the backups of a file, in whose place another was put.
 *
 * @param {string} file
 */
async function forgetBackupState(file) {
	await answerOf(loadBinding().forgetBackupState(file));
}

/**
 * Sets a file aside with all that belongs to it, and answers what was renamed. Backups that are in no local folder stay;
 * then so does everything else.
 *
 * @param {string} file
 * @param {string} [url]
 */
async function setAside(file, url) {
	const { moved = [], hasRemoteBackups = false } = await answerOf(loadBinding().setAside(file, url));
	return { moved, hasRemoteBackups };
}

/** Difference of two states: what is held of it is removed when it is closed. */
class StateDifference {
	constructor() {
		/** @type {import("./addon").NativeDifference | undefined} made when it is first used */
		this.native = undefined;
		this.isClosed = false;
	}

	/**
	 * Compares, and answers with the numbers of what differs. Called once.
	 *
	 * @param {Destination} destination
	 * @param {Omit<import("./addon").DifferenceOptions, "url" | "store">} options
	 * @param {(compares: boolean, done: number, total: number) => void} [progress]
	 */
	async compare({ url, source, store }, options, progress) {
		this.native = new (loadBinding().NativeDifference)();
		if (this.isClosed) this.native.close();
		const { summary } = await answerOf(this.native.compare({ url, store, ...options }, progress), source);
		return /** @type {import("./addon").DifferenceSummaryInfo} */ (summary);
	}

	/** Takes the next differing keys. */
	async next() {
		if (this.native === undefined) return { json: "[]", isLast: true };
		const { json = "[]", isLast = true } = await answerOf(this.native.next());
		return { json, isLast };
	}

	/** Stops what is being done. Idempotent. */
	close() {
		this.isClosed = true;
		this.native?.close();
	}
}

/**
 * Values of keys at a moment.
 *
 * @param {Destination} destination
 * @param {RestoreTarget} target
 * @param {string[]} folders for what is restored, in the order in which they are tried
 * @param {import("../base/key-entry.js").Address[]} addresses
 * @param {NativeCancel} cancel
 */
async function keysAt({ url, source, store }, target, folders, addresses, cancel) {
	const keys = addresses.map(({ key }) => key);
	const communities = addresses.map(({ community = "" }) => community);
	const answer = await answerOf(loadBinding().keysAt(url, target, folders, keys, communities, cancel, store), source);
	const { moment, texts = [], expiries = [] } = answer;
	const held = addresses.map(({ key, community }, index) => {
		return { key, community, text: texts[index] ?? undefined, expiresAt: expiries[index] ?? undefined };
	});
	return { moment: /** @type {import("./addon").MomentInfo} */ (moment), held };
}

module.exports = {
	StateDifference,
	checkOutput,
	createCancel,
	forgetBackupState,
	isBackedUp,
	keysAt,
	listBackups,
	lookForKeys,
	reportBackups,
	reportLog,
	restoreBackup,
	setAside,
	verifyBackups,
	wouldReplaceOpenFile,
};
