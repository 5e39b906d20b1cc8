"use strict";

const { createReadStream, statSync } = require("node:fs");
const { tmpdir } = require("node:os");
const path = require("node:path");
const { pipeline } = require("node:stream/promises");
const { RootcellarError } = require("../../base/errors.js");
const { cancellable } = require("../../api/cancellation.js");
const { removedAtEnd, temporaryFolderNear } = require("../../cli/temporary-files.js");
const { listBackups, reportBackups, verifyBackups } = require("../../native/destination.js");
const { COMMON_HEADERS, describeError, reasonOf } = require("../exchange.js");
const { BACKUPS_MAX, DIFFERENCE_KEYS, DIFFERENCE_LENGTH, LONG_ROUTE_MS } = require("../limits.js");
const { noteRestore, restoreOf, shownRestores } = require("../restores.js");
const { beginOf } = require("../values/cells.js");
const { listOf, optionalTextOf, textOf } = require("../values/input.js");

/**
 * @typedef {import("./route").Route} Route
 * @typedef {import("./route").Session} Session
 * @typedef {import("./route").Lines} Lines
 */

/** @param {Session} session */
function urlOf({ url }) {
	if (url === undefined) throw new RootcellarError("ERR_BACKUP_OFF", "backups are turned off for this file");
	return url;
}

/** @param {import("../../..").Backup[]} backups */
function compact(backups) {
	return backups
		.slice(0, BACKUPS_MAX)
		.map(({ id, createdAt, sizeBytes, kind }) => [id, createdAt.getTime(), sizeBytes, kind === "snapshot" ? 1 : 0]);
}

/** @param {Session} session */
async function statusOf(session) {
	if (session.url === undefined) return { isOff: true };
	if (session.file === undefined) {
		const backups = await listBackups({ url: session.url });
		return { total: backups.length, backups: compact(backups) };
	}
	const { backups, isServed, logBytes, lag } = await reportBackups(session.url, session.file);
	const own = session.canWrite ? session.store.backups.status() : undefined;
	const { state, lastError } = own ?? {};
	return {
		total: backups.length,
		backups: compact(backups),
		isServed,
		logBytes,
		lag: { state: lag.kind, changedBytes: lag.bytes, since: lag.sinceMs, reason: lag.reason },
		own:
			own === undefined ? undefined : { state, lastError: lastError && { ...lastError, at: lastError.at.getTime() } },
		restores: shownRestores(session.restores),
	};
}

/**
 * Tells of progress at most a few times a second.
 *
 * @param {Lines} lines
 */
function progressTo(lines) {
	let toldAt = 0;
	return (/** @type {number} */ done, /** @type {number} */ total) => {
		if (Date.now() - toldAt < 100) return;
		toldAt = Date.now();
		void lines.write({ progress: { done, total } });
	};
}

/**
 * Streams what `use` answers, or its error: by then the status of the response is sent.
 *
 * @param {(session: Session, input: Record<string, any>, signal: AbortSignal, lines: Lines) => Promise<unknown>} use
 * @returns {Route["stream"]}
 */
function streamed(use) {
	return async (session, input, signal, lines) => {
		try {
			await lines.write({ result: await use(session, input, signal, lines) });
		} catch (error) {
			await lines.write({ error: describeError(reasonOf(signal, error)) });
		}
	};
}

/**
 * The beginning of what is stored, as the list of differences shows it.
 *
 * @param {import("../../..").StoredValue | undefined} stored
 */
function shortened(stored) {
	if (stored === undefined) return undefined;
	const { json, expiresAt } = stored;
	return { json: beginOf(json, DIFFERENCE_LENGTH), length: json.length, expiresAt };
}

/**
 * @param {Session} session
 * @param {Record<string, any>} input
 * @param {AbortSignal} signal
 * @param {Lines} lines
 */
async function compare(session, input, signal, lines) {
	const difference = session.store.backups.diff({
		at: textOf(input, "at"),
		to: optionalTextOf(input, "to"),
		community: optionalTextOf(input, "community"),
		prefix: optionalTextOf(input, "prefix"),
		signal,
		onProgress: (() => {
			const tell = progressTo(lines);
			return ({ phase, done, total }) => tell(phase === "restore" ? done : total + done, 2 * total);
		})(),
	});
	try {
		let shown = 0;
		for await (const { key, community, before, after } of difference) {
			if (shown++ === DIFFERENCE_KEYS) break;
			await lines.write({ key: { key, community, before: shortened(before), after: shortened(after) } });
		}
		return { ...(await difference.summary()), isCut: shown > DIFFERENCE_KEYS };
	} finally {
		await difference[Symbol.asyncDispose]();
	}
}

/**
 * @param {Session} session
 * @param {import("../../..").RestoreKeysOptions} options
 * @param {{ undoes?: string }} note what it is told as
 */
async function restoreKeys(session, options, note) {
	const { at, undo, ...told } = await session.store.backups.restoreKeys(options);
	noteRestore(session.restores, {
		...note,
		moment: at?.createdAt.getTime(),
		keys: told.set + told.deleted,
		undo: undo.entries,
	});
	return told;
}

/**
 * @param {Session} session
 * @param {string} id
 * @param {{ undoes?: string }} note what it is told as
 * @param {AbortSignal} signal
 * @param {Lines} lines
 */
async function restoreAll(session, id, note, signal, lines) {
	const tell = progressTo(lines);
	const { backups } = session.store;
	const end = backups.on("progress", ({ doneBytes, totalBytes }) => tell(doneBytes, totalBytes));
	try {
		const { createdAt, undoId, skipped } = await backups.restore({ id, signal });
		if (undoId !== undefined) noteRestore(session.restores, { ...note, moment: createdAt.getTime(), undo: undoId });
		return { id, createdAt: createdAt.getTime(), skipped };
	} finally {
		end();
	}
}

/** @type {Record<string, Route>} */
const BACKUP_ROUTES = {
	"backups/status": { limitMs: 60_000, run: (session) => statusOf(session) },

	"backups/create": {
		writes: true,
		limitMs: 120_000,
		run: async (session) => {
			urlOf(session);
			const { id, createdAt } = await session.store.backups.create();
			return { id, createdAt: createdAt.getTime() };
		},
	},

	"backups/verify": {
		limitMs: LONG_ROUTE_MS,
		stream: streamed(async (session, _input, signal, lines) => {
			const folder = temporaryFolderNear(session.file ?? path.join(tmpdir(), "state"));
			const remove = removedAtEnd(folder);
			try {
				const { createdAt, ...found } = await cancellable({ signal }, (cancel) =>
					verifyBackups({ url: urlOf(session) }, folder, progressTo(lines), cancel),
				);
				return { ...found, createdAt: createdAt.getTime() };
			} finally {
				remove();
			}
		}),
	},

	/** Restores a moment to a temporary file, so that every request may name it. */
	"backups/open": {
		limitMs: LONG_ROUTE_MS,
		stream: streamed(async (session, input, signal, lines) => {
			const { id, createdAt, sizeBytes, skipped } = await session.momentOf(input.id, progressTo(lines), signal);
			return { id, createdAt: createdAt.getTime(), sizeBytes, skipped };
		}),
	},

	"backups/download": {
		limitMs: LONG_ROUTE_MS,
		run: async (session, input, signal) => {
			const { id, createdAt } = await session.momentOf(input.id, undefined, signal);
			const name = `${createdAt.toISOString().slice(0, 19).replaceAll(":", "-")}-${id}.sqlite3`;
			const address = session.downloads.offer((response) =>
				session.withMoment(id, async ({ file }) => {
					response.writeHead(200, {
						...COMMON_HEADERS,
						"Content-Type": "application/vnd.sqlite3",
						"Content-Length": statSync(file).size,
						"Content-Disposition": `attachment; filename="${name}"`,
					});
					await pipeline(createReadStream(file), response);
				}),
			);
			return { address };
		},
	},

	"backups/diff": { limitMs: LONG_ROUTE_MS, stream: streamed(compare) },

	"backups/restore-keys": {
		writes: true,
		limitMs: LONG_ROUTE_MS,
		bodyBytes: 64 << 20,
		run: async (session, input, signal) => {
			const keys = listOf(input, "keys", DIFFERENCE_KEYS).map(({ key, community }) => ({
				key,
				...(community === undefined || community === null ? {} : { community }),
			}));
			return restoreKeys(session, { at: textOf(input, "at"), keys, signal }, {});
		},
	},

	"backups/restore": {
		writes: true,
		limitMs: LONG_ROUTE_MS,
		stream: streamed((session, input, signal, lines) => restoreAll(session, textOf(input, "id"), {}, signal, lines)),
	},

	/** Undoes one of the restores of this session. What was there before can be brought back in the same way. */
	"backups/undo": {
		writes: true,
		limitMs: LONG_ROUTE_MS,
		stream: streamed(async (session, input, signal, lines) => {
			const restore = restoreOf(session.restores, textOf(input, "restore"));
			const { undo, at } = restore;
			const note = { undoes: restore.id, moment: at };
			const told = Array.isArray(undo)
				? await restoreKeys(session, { entries: undo, signal }, note)
				: await restoreAll(session, undo, note, signal, lines);
			restore.isUndone = true;
			return told;
		}),
	},
};

module.exports = { BACKUP_ROUTES };
