import { join } from "node:path";
// @ts-expect-error It has no declarations.
import Database from "better-sqlite3";
import { keyAt, valueAt } from "../../lib/data.mjs";
import { runFresh } from "../../lib/processes/fresh.mjs";

const BYTES_PER_MIB = 1024 * 1024;

export const importWorkloads = /** @type {const} */ ([
	{ id: "kv-import", title: "import of quick.db, for a million keys", unit: "s", better: "lower" },
	{ id: "kv-import-memory", title: "memory of the import, at its peak", unit: "MiB", better: "lower" },
]);

/**
 * Imports a file of quick.db 9 into a new store, with the command line in a process of its own.
 *
 * @param {string} folder
 * @param {number} keyCount
 * @returns {Promise<{ secondsPerMillion: number, peakMiB: number }>}
 */
export async function importQuickDb(folder, keyCount) {
	const source = join(folder, "json.sqlite");
	makeQuickDb(source, keyCount);
	const program = new URL("importing-child.mjs", import.meta.url);
	const { ms, peakBytes } = await runFresh(program, { args: [source, join(folder, "imported.sqlite3")] });
	return { secondsPerMillion: ((ms / 1000) * 1e6) / keyCount, peakMiB: peakBytes / BYTES_PER_MIB };
}

/**
 * Makes a file as quick.db 9 does.
 *
 * @param {string} file
 * @param {number} keyCount
 */
function makeQuickDb(file, keyCount) {
	const database = new Database(file);
	database.exec("CREATE TABLE json (ID TEXT PRIMARY KEY, json TEXT)");
	const insert = database.prepare("INSERT INTO json (ID, json) VALUES (?, ?)");
	database.transaction(() => {
		for (let index = 0; index < keyCount; index++) insert.run(keyAt(index), JSON.stringify(valueAt(index)));
	})();
	database.close();
}
