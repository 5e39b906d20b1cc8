"use strict";

const { mkdtempSync } = require("node:fs");
const { tmpdir } = require("node:os");
const path = require("node:path");
const { setTimeout: sleep } = require("node:timers/promises");
const { withoutSecrets } = require("../config/backup.js");
const { answerOf, toBackup, toRestore } = require("../api/backups.js");
const { RootcellarError } = require("../base/errors.js");
const { storeAt } = require("./files.js");
const { formatBytes, formatDuration, print } = require("./output.js");
const { activityBar, progressBar } = require("./progress.js");
const { existing, isServed, locate, native, withStore } = require("./store.js");
const { removedAtEnd } = require("./temporary.js");

/**
 * @typedef {import("./store.js").Options} Options
 * @typedef {import("../..").Backup} Backup
 */

/** How long the process that makes the backups of a file is waited for, and how often it is looked after. */
const SERVED_WAIT_MS = 30_000;
const SERVED_PAUSE_MS = 200;

/** @param {Backup} backup */
function describe({ id, createdAt, sizeBytes, kind }) {
	return `${id}  ${createdAt.toISOString()}  ${formatBytes(sizeBytes).padStart(10)}  ${kind}`;
}

/**
 * How a file stands against its backups.
 *
 * @param {{ file: string, url: string }} place
 */
async function survey({ file, url }) {
	const { backups, lag, ...looked } = await answerOf(native().reportBackups(url, file));
	const { kind, pages, bytes, sinceMs, reason } = /** @type {import("../native/addon").LagInfo} */ (lag);
	const since = sinceMs === undefined ? undefined : new Date(sinceMs);
	return {
		backups: backups.map(toBackup),
		isServed: looked.isServed === true,
		lag: { state: kind, changedPages: pages, changedBytes: bytes, since, reason },
	};
}

/** @param {Awaited<ReturnType<typeof survey>>["lag"]} lag */
function describeLag({ state, changedPages, changedBytes, since, reason }) {
	if (state === "none") return "none; the newest backup has all of the file";
	if (state === "oldCopy") return "the file is an old copy: it lacks newer backups, which opening it restores";
	if (since === undefined) return `not known: ${reason}`;
	const ago = formatDuration(Date.now() - since.getTime());
	const pages = changedPages === 1 ? "1 page" : `${changedPages} pages`;
	return `${pages} (${formatBytes(changedBytes)}) changed since ${since.toISOString()}, ${ago} ago`;
}

/** @param {Options} options */
async function status(options) {
	const { file, url } = locate(options);
	const found = storeAt(file);
	const { backups, lag, ...looked } = await survey({ file, url });
	const [newest] = backups;
	const destination = withoutSecrets(url);
	const text = [
		`file         ${file} (${found ? formatBytes(found.size) : "not there"})`,
		`backed up    ${looked.isServed ? "by a process that has it open" : "by nobody at the moment"}`,
		`destination  ${destination}`,
		`backups      ${backups.length}`,
		`newest       ${newest ? describe(newest) : "none"}`,
		`lag          ${describeLag(lag)}`,
	];
	const value = {
		file,
		exists: found !== undefined,
		sizeBytes: found?.size,
		isServed: looked.isServed,
		destination,
		backups: backups.length,
		newest: newest ?? null,
		lag,
	};
	print(options, value, text.join("\n"));
}

/** @param {Options} options */
async function backup(options) {
	const place = locate(options);
	existing(place.file, "back up");
	const bar = activityBar(options, "backing up");
	try {
		const made = isServed(place.file)
			? await awaited(place)
			: await withStore(place, (store) => store.backups.create());
		bar.end();
		print(options, made, describe(made));
	} finally {
		bar.end();
	}
}

/**
 * The first backup that has what the file has now, made by the process that has it open.
 *
 * @param {{ file: string, url: string }} place
 */
async function awaited(place) {
	const began = Date.now();
	for (;;) {
		const { backups, lag } = await survey(place);
		const [newest] = backups;
		if (newest && (lag.state === "none" || newest.createdAt.getTime() > began)) return newest;
		if (Date.now() - began > SERVED_WAIT_MS || lag.state === "unknown") {
			const reason = lag.reason ?? `it has made none for ${formatDuration(SERVED_WAIT_MS)}`;
			throw new RootcellarError(
				"ERR_BACKUP_ELSEWHERE",
				`another process makes the backups of ${place.file}, and no new one is at ${withoutSecrets(place.url)}: ` +
					`${reason}; see its dataStore.backups.status()`,
			);
		}
		await sleep(SERVED_PAUSE_MS);
	}
}

/** @param {Options} options */
async function list(options) {
	const { url } = locate(options);
	const { backups } = await answerOf(native().listBackups(url));
	const listed = backups.map(toBackup);
	print(options, listed, listed.map(describe).join("\n") || `there are no backups in ${withoutSecrets(url)}`);
}

/** @param {Options} options */
async function verify(options) {
	const { file, url } = locate(options);
	const folder = temporaryFolderNear(file);
	const remove = removedAtEnd(folder);
	const bar = progressBar(options, "verifying");
	const asked = answerOf(native().verifyBackups(url, folder, bar.update));
	const { restored } = await asked.finally(() => {
		bar.end();
		remove();
	});
	const verification = { ...toRestore(restored), files: restored.files ?? 0 };
	const { createdAt, sizeBytes, files, skipped, isComplete } = verification;
	const text = [
		`the state of ${createdAt.toISOString()} can be restored: ${formatBytes(sizeBytes)} from ${files} files`,
		...skipped.map(({ name, reason }) => `cannot be used: ${name}: ${reason}`),
	];
	if (!isComplete) process.exitCode = 1;
	print(options, verification, text.join("\n"));
}

/**
 * A folder beside a file, on whose disk there is room for another like it; else one where the system keeps such.
 *
 * @param {string} file
 */
function temporaryFolderNear(file) {
	try {
		return mkdtempSync(path.join(path.dirname(file), ".rootcellar-"));
	} catch {
		return mkdtempSync(path.join(tmpdir(), "rootcellar-"));
	}
}

module.exports = { backup, list, status, verify };
