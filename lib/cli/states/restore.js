"use strict";

const path = require("node:path");
const { RootcellarError } = require("../../base/errors.js");
const { withoutSecrets } = require("../../config/address.js");
const { followLinks } = require("../../config/paths.js");
const { forgetBackupState, isBackedUp, listBackups, restoreBackup } = require("../../native/destination.js");
const { outputAt, storeAt } = require("../files.js");
const { formatBytes, print } = require("../output.js");
const { activityBar, progressBar } = require("../progress.js");
const { locate, withStore } = require("../locate.js");
const { allRemovedAtEnd } = require("../temporary-files.js");

/**
 * @typedef {import("../locate.js").CommandOptions & { at?: Date, id?: string, to?: string, force?: boolean }} RestoreOptions
 * @typedef {import("../../..").Restore} Restore
 */

/** @param {RestoreOptions} options */
async function restore(options) {
	const { to, force = false } = options;
	const place = locate(options);
	const isStore = to === undefined || followLinks(path.resolve(to)) === place.file;
	const restored = isStore
		? await restoreStore(place, options, force)
		: await restoreFile(place.url, outputAt(to, place, force), options, force);
	print(options, restored, told(restored));
}

/**
 * Restores the store itself. A file that exists is restored through SQLite, so that its state before becomes a backup, and
 * so that everybody who has it open sees the change: also a bot that makes its backups.
 *
 * @param {{ file: string, url: string }} place
 * @param {RestoreOptions} options
 * @param {boolean} force
 */
async function restoreStore(place, options, force) {
	const { file } = place;
	if (storeAt(file) === undefined) {
		return restoreFile(place.url, file, options, force);
	}
	if (!force) {
		throw new RootcellarError(
			"ERR_FILE_EXISTS",
			`${file} exists; --force replaces what is in it, --to leaves it alone`,
		);
	}
	if ((await listBackups({ url: place.url })).length === 0) {
		// Opening the store would make the first one, and restore that.
		throw new RootcellarError("ERR_BACKUP_NOT_FOUND", `there is no backup in ${withoutSecrets(place.url)}`);
	}
	const { at, id } = options;
	const bar = activityBar(options, "restoring");
	const use = async (/** @type {import("../../..").DataStore} */ { backups }) => {
		backups.on("progress", ({ doneBytes, totalBytes }) => bar.update(doneBytes, totalBytes));
		return backups.restore({ at, id });
	};
	const restored = await withStore(place, use).finally(bar.end);
	return { ...restored, file };
}

/**
 * Restores to a file that nobody has open.
 *
 * @param {string} url
 * @param {string} file
 * @param {RestoreOptions} options
 * @param {boolean} force
 */
async function restoreFile(url, file, options, force) {
	refuseServed(file);
	const remove = allRemovedAtEnd(`${file}.restoring-${process.pid}-`);
	const bar = progressBar(options, "restoring");
	const target = { id: options.id, atMs: options.at?.getTime() };
	const output = { file, overwrite: force };
	const restored = await restoreBackup({ url }, target, output, bar.update).finally(() => {
		bar.end();
		remove();
	});
	// The state of the backups of a file that was there before is not that of this one.
	await forgetBackupState(file);
	return { ...restored, file };
}

/** @param {string} file */
function refuseServed(file) {
	if (isBackedUp(file)) {
		throw new RootcellarError(
			"ERR_BACKUP_ELSEWHERE",
			`another process has ${file} open and makes its backups; end that process first, or restore to another file with --to`,
		);
	}
}

/** @param {Restore & { file: string }} restored */
function told({ file, id, createdAt, sizeBytes, skipped, undoId }) {
	const lines = [`${file} is now as it was at ${createdAt.toISOString()} (${id}, ${formatBytes(sizeBytes)})`];
	if (undoId !== undefined) lines.push(`what it was before is ${undoId}`);
	lines.push(...skipped.map(({ name, reason }) => `left out: ${name}: ${reason}`));
	return lines.join("\n");
}

module.exports = { restore };
