// Temporary folders and stores that clean up after the test that made them.

import { mkdtempSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDataStore } from "rootcellar";
import { onTestFinished } from "vitest";
import { remove } from "./files.mjs";

/** A new empty folder, removed when the test ends. */
export function temporaryDirectory() {
	const directory = realpathSync(mkdtempSync(join(tmpdir(), "rootcellar-")));
	onTestFinished(() => remove(directory));
	return directory;
}

/** The path of a file that does not exist yet, in a folder of its own. */
export function temporaryFile(name = "store.sqlite3") {
	return join(temporaryDirectory(), name);
}

/** A store on `filename`, by default a new one, closed when the test ends. */
export function temporaryStore(filename = temporaryFile()) {
	const store = openDataStore({ filename, backup: false });
	onTestFinished(() => store.close());
	return store;
}

/** The key-value store of a new temporary store. */
export function temporaryAppData() {
	return temporaryStore().appData;
}

/** The keys of a key-value store in the order of `select`. */
export async function keysOf(appData, communityId) {
	const entries = await appData.select("%", communityId);
	return entries.map((entry) => entry.key);
}
