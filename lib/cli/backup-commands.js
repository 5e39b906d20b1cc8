"use strict";

const { withoutSecrets } = require("../config/address.js");
const { RootcellarError } = require("../base/errors.js");
const {
	listBackups,
	lookForKeys,
	reportBackups,
	reportLog,
	setAside,
	verifyBackups,
} = require("../native/destination.js");
const { storeAt } = require("./files.js");
const { counted, formatBytes, formatDuration, print } = require("./output.js");
const { activityBar, progressBar } = require("./progress.js");
const { BACKUPS_OFF, existing, locate, locateBoth, locateKeys, refuseNothing, withStore } = require("./locate.js");
const { statusOfServer } = require("./server/status.js");
const { removedAtEnd, temporaryFolderNear } = require("./temporary-files.js");

/**
 * @typedef {import("./locate.js").CommandOptions} CommandOptions
 * @typedef {import("../..").Backup} Backup
 */

/** @param {Backup} backup */
function describe({ id, createdAt, sizeBytes, kind }) {
	return `${id}  ${createdAt.toISOString()}  ${formatBytes(sizeBytes).padStart(10)}  ${kind}`;
}

/**
 * Report on a file and its backups.
 *
 * @param {{ file: string, url: string }} place
 */
async function reportOf({ file, url }) {
	const { backups, isServed, logBytes, lag } = await reportBackups(url, file);
	const { kind, pages, bytes, sinceMs, reason } = lag;
	const since = sinceMs === undefined ? undefined : new Date(sinceMs);
	return {
		backups,
		isServed,
		logBytes,
		lag: { state: kind, changedPages: pages, changedBytes: bytes, since, reason },
	};
}

/**
 * Report on a file whose backups are turned off.
 *
 * @param {string} file
 * @returns {ReturnType<typeof reportOf>}
 */
async function reportWithout(file) {
	const lag = { state: /** @type {const} */ ("unknown"), changedPages: 0, changedBytes: 0, since: undefined };
	return { ...(await reportLog(file)), backups: [], lag: { ...lag, reason: BACKUPS_OFF } };
}

/** @param {Awaited<ReturnType<typeof reportOf>>["lag"]} lag */
function describeLag({ state, changedPages, changedBytes, since, reason }) {
	if (state === "none") return "none; the newest backup has all of the file";
	if (state === "oldCopy") return "the file is an old copy: it lacks newer backups, which opening it restores";
	if (since === undefined) return `not known: ${reason}`;
	const ago = formatDuration(Date.now() - since.getTime());
	return `${counted(changedPages, "page")} (${formatBytes(changedBytes)}) changed since ${since.toISOString()}, ${ago} ago`;
}

/**
 * @param {boolean} isThere
 * @param {number} logBytes
 */
function describeLog(isThere, logBytes) {
	if (logBytes > 0) return `${formatBytes(logBytes)} that the file alone lacks`;
	return isThere ? "nothing: the file has everything" : "nothing";
}

/** @param {CommandOptions} options */
async function status(options) {
	const { postgres } = locateKeys(options);
	if (postgres !== undefined) {
		await statusOfServer(postgres, options);
		return;
	}
	const { file, url } = locateBoth(options);
	const found = storeAt(file);
	const report = url === undefined ? reportWithout(file) : reportOf({ file, url });
	const { backups, lag, logBytes, isServed } = await report;
	if (backups.length === 0) refuseNothing({ file, url });
	const [newest] = backups;
	const destination = url === undefined ? null : withoutSecrets(url);
	const text = [
		`file         ${file} (${found ? formatBytes(Number(found.size)) : "not there"})`,
		`in the log   ${describeLog(found !== undefined, logBytes)}`,
		`backed up    ${isServed ? "by a process that has it open" : "by nobody at the moment"}`,
		...(destination === null
			? [`destination  none: ${BACKUPS_OFF}`]
			: [
					`destination  ${destination}`,
					`backups      ${backups.length}`,
					`newest       ${newest ? describe(newest) : "none"}`,
					`lag          ${describeLag(lag)}`,
				]),
	];
	const value = {
		file,
		exists: found !== undefined,
		sizeBytes: found && Number(found.size),
		logBytes,
		isServed,
		destination,
		backups: backups.length,
		newest: newest ?? null,
		lag,
	};
	print(options, value, text.join("\n"));
}

/** @param {CommandOptions} options */
async function backup(options) {
	const place = locate(options);
	const { size } = existing(place.file, "back up");
	if (size > 0n) await refuseForeign(place.file);
	const bar = activityBar(options, "backing up");
	try {
		const made = await withStore(place, (store) => store.backups.create());
		bar.end();
		print(options, made, describe(made));
	} finally {
		bar.end();
	}
}

/**
 * Refuses the database of another program, which opening it would make a store. A damaged one is left to the opening.
 *
 * @param {string} file
 */
async function refuseForeign(file) {
	const { isStore } = await lookForKeys(file);
	if (isStore === false) {
		throw new RootcellarError("ERR_NOT_A_STORE", `${file} is a database without the table of a store`);
	}
}

/** @param {CommandOptions} options */
async function list(options) {
	const place = locate(options);
	const { url } = place;
	const backups = await listBackups({ url });
	if (backups.length === 0) refuseNothing(place, options.url !== undefined);
	print(options, backups, backups.map(describe).join("\n") || `there are no backups in ${withoutSecrets(url)}`);
}

/** @param {CommandOptions} options */
async function verify(options) {
	const { file, url } = locate(options);
	const folder = temporaryFolderNear(file);
	const remove = removedAtEnd(folder);
	const bar = progressBar(options, "verifying");
	const verification = await verifyBackups({ url }, folder, bar.update).finally(() => {
		bar.end();
		remove();
	});
	const { createdAt, sizeBytes, files, skipped, isComplete } = verification;
	const text = [
		`the state of ${createdAt.toISOString()} can be restored: ${formatBytes(sizeBytes)} from ${counted(files, "file")}`,
		...skipped.map(({ name, reason }) => `cannot be used: ${name}: ${reason}`),
	];
	if (!isComplete) process.exitCode = 1;
	print(options, verification, text.join("\n"));
}

/**
 * Sets a store aside with its backups, so that the next start begins with an empty one. Deletes nothing.
 *
 * @param {import("./locate.js").CommandOptions} options
 */
async function reset(options) {
	const { file, url } = locateBoth(options);
	storeAt(file);
	const { moved, hasRemoteBackups } = await setAside(file, url);
	if (hasRemoteBackups) {
		throw new RootcellarError(
			"ERR_REMOTE_BACKUPS",
			`there are backups at ${withoutSecrets(url ?? "")}, from which the next start would restore ${file}; move them ` +
				"away, or name another destination, here and for the bot",
		);
	}
	if (moved.length === 0) {
		throw new RootcellarError("ERR_NOT_FOUND", `there is no ${file} to set aside, and nothing that belongs to it`);
	}
	const lines = moved.map(({ from, to }) => `${from} is now ${to}`);
	print(options, { file, moved }, lines.join("\n"));
}

module.exports = { backup, list, reset, status, verify };
