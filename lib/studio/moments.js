"use strict";

const { tmpdir } = require("node:os");
const path = require("node:path");
const { removedAtEnd, temporaryFolderNear } = require("../cli/temporary-files.js");
const { openDataStore } = require("../data-store.js");
const { cancellable } = require("../api/cancellation.js");
const { restoreBackup } = require("../native/destination.js");

/**
 * Restores the state of a backup to a private temporary file, and opens that to read only.
 *
 * @param {{ url: string, near?: string }} place the destination, and the file beside which there is room for another
 * @param {string | undefined} id the newest state without it
 * @param {(doneBytes: number, totalBytes: number) => void} progress
 * @param {AbortSignal} [signal]
 */
async function openMoment({ url, near = path.join(tmpdir(), "state") }, id, progress, signal) {
	const folder = temporaryFolderNear(near);
	const remove = removedAtEnd(folder);
	try {
		const file = path.join(folder, "state.sqlite3");
		const restored = await cancellable({ signal }, (cancel) =>
			restoreBackup({ url }, { id }, { file, overwrite: false }, progress, cancel),
		);
		const store = openDataStore({ filename: file, readOnly: true, backup: false });
		return {
			id: restored.id,
			createdAt: restored.createdAt,
			sizeBytes: restored.sizeBytes,
			skipped: restored.skipped,
			file,
			store,
			close: async () => {
				await store.close();
				remove();
			},
		};
	} catch (error) {
		remove();
		throw error;
	}
}

module.exports = { openMoment };
