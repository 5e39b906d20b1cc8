"use strict";

const { createWriteStream } = require("node:fs");
const { tmpdir } = require("node:os");
const path = require("node:path");
const { pipeline } = require("node:stream/promises");
const { atFirstUse } = require("../../base/at-first-use.js");
const { RootcellarError, invalidArgument } = require("../../base/errors.js");
const { SOURCES, openSource } = require("../../cli/import/sources/index.js");
const { removedAtEnd, temporaryFolderNear } = require("../../cli/temporary-files.js");
const { COMMON_HEADERS, drained } = require("../exchange.js");
const { LONG_ROUTE_MS, REMARKS_SHOWN_MAX, UPLOADS_MAX } = require("../limits.js");
const { optionalTextOf, textOf } = require("../values/input.js");

/**
 * @typedef {import("./route").Route} Route
 * @typedef {import("./route").Session} Session
 */

/** Sources whose data is one file, which a page can send. */
const SENDABLE = Object.keys(SOURCES).filter((name) => name !== "node-persist");

/** Not needed until somebody imports or exports. */
const importing = atFirstUse(() => require("../../cli/import/command.js"));
const exporting = atFirstUse(() => require("../../cli/export.js"));

/**
 * Files that the page has sent, by a number, with what removes each.
 *
 * @type {WeakMap<Session, Map<string, { file: string, remove: () => void }>>}
 */
const uploads = new WeakMap();
let lastUpload = 0;

/** @param {Session} session */
function uploadsOf(session) {
	const kept = uploads.get(session) ?? new Map();
	uploads.set(session, kept);
	return kept;
}

/**
 * Keeps what the page sends in a temporary file beside the store, until there are others or the command ends.
 *
 * @param {Session} session
 * @param {import("node:http").IncomingMessage} request
 * @param {AbortSignal} signal
 */
async function keepUpload(session, request, signal) {
	const folder = temporaryFolderNear(session.file ?? path.join(tmpdir(), "state"));
	const remove = removedAtEnd(folder);
	const file = path.join(folder, "upload");
	const output = createWriteStream(file, { mode: 0o600 });
	try {
		await pipeline(request, output, { signal });
	} catch (error) {
		remove();
		throw error;
	}
	const kept = uploadsOf(session);
	const id = String(++lastUpload);
	kept.set(id, { file, remove });
	for (const [old, one] of [...kept].slice(0, -UPLOADS_MAX)) {
		kept.delete(old);
		one.remove();
	}
	return { upload: id, bytes: output.bytesWritten };
}

/**
 * Options of the command that does the same.
 *
 * @param {Record<string, any>} input
 * @param {string} file
 */
function optionsOf(input, file) {
	const from = optionalTextOf(input, "from");
	if (from !== undefined && !SENDABLE.includes(from))
		throw invalidArgument("from", `must be one of ${SENDABLE.join(", ")}`);
	const { split } = input;
	if (split !== undefined && !(Number.isInteger(split) && split > 0 && split < 1_000)) {
		throw invalidArgument("split", "must be a number of levels, from 1 to 999");
	}
	const tables = optionalTextOf(input, "table")
		?.split(",")
		.map((name) => name.trim())
		.filter((name) => name !== "");
	return {
		json: true,
		from,
		input: from === undefined ? file : undefined,
		prefix: optionalTextOf(input, "prefix"),
		community: optionalTextOf(input, "community"),
		table: tables?.length ? tables : undefined,
		split,
		force: input.force === true,
		dryRun: input.dryRun === true,
		// A trial tells of everything that cannot be imported.
		skip: input.skip === true || input.dryRun === true,
	};
}

/**
 * @param {Session} session
 * @param {Record<string, any>} input
 * @param {AbortSignal} signal
 */
async function importFrom(session, input, signal) {
	const found = uploadsOf(session).get(textOf(input, "upload"));
	if (found === undefined) throw new RootcellarError("ERR_NOT_FOUND", "the file is gone; choose it again");
	if (session.file === undefined) throw new RootcellarError("ERR_READ_ONLY", "there is no file to import into");
	const options = optionsOf(input, found.file);
	if (!options.dryRun && !session.canWrite) {
		throw new RootcellarError("ERR_READ_ONLY", "the studio was started without --write");
	}
	const place = { file: session.file, url: session.url };
	/** @type {import("../../cli/import/sources/source.js").Source | undefined} */
	let source;
	try {
		source = await openSource(options.from === undefined ? undefined : found.file, options, session.file);
		const { keys, skipped, expired, inexact, refused } = await importing().carry(
			cancelled(source, signal),
			place,
			options,
			undefined,
		);
		const first = (/** @type {any} */ remarks) => ({ ...remarks, first: remarks.first.slice(0, REMARKS_SHOWN_MAX) });
		return { keys, skipped, expired, inexact: first(inexact), refused: first(refused), notes: source.notes };
	} catch (error) {
		throw inWordsOfThePage(error, found.file);
	} finally {
		await source?.close();
	}
}

/**
 * A source that fails once it is cancelled: then all that was taken of it is rolled back.
 *
 * @param {import("../../cli/import/sources/source.js").Source} source
 * @param {AbortSignal} signal
 * @returns {import("../../cli/import/sources/source.js").Source}
 */
function cancelled(source, signal) {
	return {
		...source,
		read: async function* () {
			for await (const part of source.read()) {
				signal.throwIfAborted();
				yield part;
			}
			signal.throwIfAborted();
		},
	};
}

/**
 * An error without the options of the command and the path of the temporary file.
 *
 * @param {any} error
 * @param {string} file
 */
function inWordsOfThePage(error, file) {
	const message = String(error.message)
		.replaceAll(file, "the file")
		.replace(/, and --\w+ (overwrites|takes the last|leaves out what cannot be)/, "");
	return Object.assign(error, { message });
}

/** @type {Record<string, Route>} */
const TRANSFER_ROUTES = {
	export: {
		run: async (session, input) => {
			const community = optionalTextOf(input, "community");
			const { moment } = input;
			const address = session.downloads.offer(async (response) => {
				await session.read(moment, async (store) => {
					response.writeHead(200, {
						...COMMON_HEADERS,
						"Content-Type": "application/x-ndjson; charset=utf-8",
						"Content-Disposition": 'attachment; filename="keys.jsonl"',
					});
					const write = async (/** @type {string} */ text) => {
						if (response.destroyed) throw new RootcellarError("ABORT_ERR", "the download was cancelled");
						if (!response.write(text)) await drained(response);
					};
					await exporting().writeLines(store, community, write, { update: () => {}, end: () => {} });
					response.end();
				});
			});
			return { address };
		},
	},

	"import/sources": { run: async () => ({ sources: SENDABLE }) },

	"import/upload": { limitMs: LONG_ROUTE_MS, upload: keepUpload },

	"import/run": { limitMs: LONG_ROUTE_MS, run: importFrom },
};

module.exports = { TRANSFER_ROUTES };
