import { closeSync, copyFileSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync } from "node:fs";
import { join } from "node:path";
import { runFresh } from "./fresh.mjs";

/** File name of every closed store. */
const FILE = "store.sqlite3";

/**
 * Puts a store of that many keys into a folder: a copy of one that is made once in a run. The file belongs to no
 * process while it is copied, and lies on the disk afterwards, so that no write that is measured waits for it.
 *
 * @param {number} keyCount
 * @param {{ templates: string, folder: string }} folders
 */
export async function copyTemplate(keyCount, { templates, folder }) {
	const made = join(templates, `keys-${keyCount}`);
	if (!existsSync(made)) {
		const unfinished = `${made}.unfinished`;
		mkdirSync(unfinished, { recursive: true });
		await runFresh(new URL("make-template.mjs", import.meta.url), { args: [unfinished, String(keyCount)] });
		renameSync(unfinished, made);
	}
	const copy = join(folder, FILE);
	copyFileSync(join(made, FILE), copy);
	const descriptor = openSync(copy, "r+");
	fsyncSync(descriptor);
	closeSync(descriptor);
}
