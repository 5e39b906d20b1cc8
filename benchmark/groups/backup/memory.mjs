import { renameSync } from "node:fs";
import { join } from "node:path";
import { runFresh } from "../../lib/processes/fresh.mjs";
import { inMiB, inMs } from "./part.mjs";
import { restoring } from "./restore.mjs";
import { fileIn } from "./store.mjs";

const BYTES_PER_MIB = 1024 * 1024;

/**
 * Peak memory of a process that backs up a whole store, and of one that restores it at opening: all of
 * it, and what is more than a process that does nothing has. And how long each takes.
 *
 * @type {import("./part.mjs").Part}
 */
export const memory = {
	workloads: [
		{ id: "memory-backup", title: "memory of the first backup at its peak, the whole process", ...inMiB },
		{ id: "memory-backup-above", title: "the same, above a process that does nothing", ...inMiB },
		{ id: "memory-restore", title: "memory of restoring at its peak, the whole process", ...inMiB },
		{ id: "memory-restore-above", title: "the same, above a process that does nothing", ...inMiB },
		{ id: "first-backup", title: "opening and the first backup, of everything", ...inMs },
		restoring,
	],
	run: async ({ folder, keyCount, report }) => {
		const child = (/** @type {string} */ what) =>
			runFresh(new URL("memory-child.mjs", import.meta.url), { args: [what, folder, String(keyCount)], folder });
		const bare = await child("nothing");
		const backup = await child("backup");
		renameSync(fileIn(folder), join(folder, "original.sqlite3"));
		const restored = await child("restore");
		report("memory-backup", backup.peakBytes / BYTES_PER_MIB);
		report("memory-backup-above", (backup.peakBytes - bare.peakBytes) / BYTES_PER_MIB);
		report("memory-restore", restored.peakBytes / BYTES_PER_MIB);
		report("memory-restore-above", (restored.peakBytes - bare.peakBytes) / BYTES_PER_MIB);
		report("first-backup", backup.ms);
		report(restoring.id, restored.ms);
	},
};
