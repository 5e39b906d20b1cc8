"use strict";

const { invalidArgument } = require("../base/errors.js");
const { RESTORES_MAX } = require("./limits.js");

/**
 * Restore of this session, with what undoes it: the entries of keys as they were before, or the id of a backup.
 *
 * @typedef {object} Restored
 * @property {string} id
 * @property {number} at when it was done, in milliseconds since 1970
 * @property {number} [moment] the time of the state that was restored
 * @property {number} [keys] how many keys have changed, if it was not everything
 * @property {string} [undoes] the restore that it undoes
 * @property {boolean} isUndone
 * @property {import("../..").RestoredEntry[] | string} undo
 */

/**
 * Notes a restore, so that it can be undone, also from a page that was loaded again.
 *
 * @param {Restored[]} restores those of a session, the newest first
 * @param {Omit<Restored, "id" | "at" | "isUndone">} restored
 */
function noteRestore(restores, restored) {
	const id = String(Number(restores[0]?.id ?? 0) + 1);
	restores.unshift({ ...restored, id, at: Date.now(), isUndone: false });
	restores.length = Math.min(restores.length, RESTORES_MAX);
}

/**
 * A restore that can be undone.
 *
 * @param {Restored[]} restores those of a session, the newest first
 * @param {string} id
 */
function restoreOf(restores, id) {
	const found = restores.find((restored) => restored.id === id);
	if (found === undefined) throw invalidArgument("restore", "is not known any more; restore from a backup instead");
	if (found.isUndone) throw invalidArgument("restore", "is undone already");
	return found;
}

/**
 * The restores as the page shows them.
 *
 * @param {Restored[]} restores those of a session, the newest first
 */
function shownRestores(restores) {
	return restores.map(({ undo: _, ...shown }) => shown);
}

module.exports = { noteRestore, restoreOf, shownRestores };
