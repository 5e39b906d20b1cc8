import { join } from "node:path";
import { openDataStore } from "rootcellar";

/** So long that nothing is captured but what is asked for. */
export const NEVER_MS = 1e9;

/**
 * The file of the store that lies in a task's folder.
 *
 * @param {string} folder
 */
export function fileIn(folder) {
	return join(folder, "store.sqlite3");
}

/**
 * Opens the store of a task's folder and makes its first backup, of everything.
 *
 * @param {string} folder
 * @param {import("rootcellar").BackupOptions} [backup]
 */
export async function openBackedUp(folder, backup = {}) {
	const store = openDataStore({ filename: fileIn(folder), backup });
	await store.backups.create();
	return store;
}
