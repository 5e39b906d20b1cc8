"use strict";

/**
 * True if `node:sqlite` is in use. It is part of Node's executable, where the addon cannot see it.
 */
function isNodeSqliteLoaded() {
	const { moduleLoadList } = /** @type {{ moduleLoadList?: string[] }} */ (/** @type {unknown} */ (process));
	return moduleLoadList?.includes("NativeModule sqlite") ?? false;
}

/**
 * @param {string} path
 * @param {{ names: string[], unprotected: boolean }} found
 */
function warnOfForeignCopies(path, { names, unprotected }) {
	const copies = names.join(" and ");
	if (unprotected) {
		const message = `this system has no locks that hold between copies of SQLite in one process, and ${copies} is loaded beside rootcellar: opening ${path} with it can destroy the file`;
		process.emitWarning(message, { code: "ROOTCELLAR_NO_OFD_LOCKS" });
	} else {
		const message = `${copies} are loaded in this process and ${path} is open in them: rootcellar is safe beside any one of them, but two of them can destroy the file between themselves; use only one on it`;
		process.emitWarning(message, { code: "ROOTCELLAR_FOREIGN_SQLITE" });
	}
}

module.exports = { isNodeSqliteLoaded, warnOfForeignCopies };
