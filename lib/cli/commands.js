"use strict";

const { existsSync } = require("node:fs");
const path = require("node:path");
const { withoutSecrets } = require("../backup-options.js");
const { answerOf, toBackup, toRestore } = require("../backups.js");
const { RootcellarError } = require("../errors.js");
const { formatBytes, print, progressBar } = require("./output.js");
const { locate, native, withStore } = require("./store.js");

/**
 * @typedef {import("./store.js").Options} Options
 * @typedef {import("../..").Backup} Backup
 * @typedef {import("../..").Restore} Restore
 */

/** @param {string} url */
async function listed(url) {
	const { backups } = await answerOf(native().listBackups(url));
	return backups.map(toBackup);
}

/** @param {Backup} backup */
function describe({ id, createdAt, sizeBytes, kind }) {
	return `${id}  ${createdAt.toISOString()}  ${formatBytes(sizeBytes).padStart(10)}  ${kind}`;
}

/** @param {Options} options */
async function status(options) {
	const { path: file, url } = locate(options);
	const backups = await listed(url);
	const [newest] = backups;
	const exists = existsSync(file);
	const destination = withoutSecrets(url);
	const text = [
		`file         ${file}${exists ? "" : " (not there)"}`,
		`destination  ${destination}`,
		`backups      ${backups.length}`,
		`newest       ${newest ? describe(newest) : "none"}`,
	];
	print(options, { file, exists, destination, backups: backups.length, newest: newest ?? null }, text.join("\n"));
}

/** @param {Options} options */
async function backup(options) {
	const { path: file } = locate(options);
	if (!existsSync(file)) {
		throw new RootcellarError("ERR_NOT_FOUND", `there is no ${file} to back up`);
	}
	const made = await withStore(options, (store) => store.backups.create());
	print(options, made, describe(made));
}

/** @param {Options} options */
async function list(options) {
	const backups = await listed(locate(options).url);
	print(options, backups, backups.length === 0 ? "there are no backups" : backups.map(describe).join("\n"));
}

/** @param {Options & { at?: Date, id?: string, to?: string, force?: boolean }} options */
async function restore(options) {
	const { at, id, to, force = false } = options;
	const { path: file, url } = locate(options);
	const output = to === undefined ? file : path.resolve(to);
	if (existsSync(output) && !force) {
		throw new RootcellarError("ERR_FILE_EXISTS", `${output} exists; --force replaces what is in it`);
	}
	if (output === file && existsSync(file)) {
		// Through the store, so that what is there becomes a backup, and so that nothing happens to a file in use.
		print(options, ...told(await withStore(options, (store) => store.backups.restore({ at, id })), output));
		return;
	}
	const bar = progressBar(options, "restoring");
	const target = { id, atMs: at?.getTime() };
	const asked = native().restoreBackup(url, target, output, force, bar.update);
	const { restored } = await answerOf(asked).finally(bar.end);
	print(options, ...told(toRestore(restored), output));
}

/**
 * @param {Restore} restored
 * @param {string} output
 * @returns {[Restore & { file: string }, string]}
 */
function told(restored, output) {
	const { id, createdAt, sizeBytes, skipped, undoId } = restored;
	const lines = [`${output} is now as it was at ${createdAt.toISOString()} (${id}, ${formatBytes(sizeBytes)})`];
	if (undoId !== undefined) lines.push(`what it was before is ${undoId}`);
	lines.push(...skipped.map(({ name, reason }) => `left out: ${name}: ${reason}`));
	return [{ ...restored, file: output }, lines.join("\n")];
}

/** @param {Options} options */
async function verify(options) {
	const { path: file, url } = locate(options);
	const bar = progressBar(options, "verifying");
	const { restored } = await answerOf(native().verifyBackups(url, path.dirname(file), bar.update)).finally(bar.end);
	const verification = { ...toRestore(restored), files: restored.files ?? 0 };
	const { createdAt, sizeBytes, files, skipped, isComplete } = verification;
	const text = [
		`the state of ${createdAt.toISOString()} can be restored: ${formatBytes(sizeBytes)} from ${files} files`,
		...skipped.map(({ name, reason }) => `cannot be used: ${name}: ${reason}`),
	];
	print(options, verification, text.join("\n"));
	if (!isComplete) process.exitCode = 1;
}

module.exports = { backup, list, restore, status, verify };
