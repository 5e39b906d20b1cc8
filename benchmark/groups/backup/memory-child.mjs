// Backs a store up, or restores it by opening it, or does neither, and answers with the time that this took and what
// the process had in memory at its peak.

import { deepStrictEqual } from "node:assert";
import { existsSync, readFileSync } from "node:fs";
import { openDataStore } from "rootcellar";
import { keyAt, valueAt } from "../../lib/data.mjs";
import { elapsedMs } from "../../lib/measure.mjs";
import { answer } from "../../lib/processes/fresh.mjs";
import { fileIn, NEVER_MS, openBackedUp } from "./store.mjs";

const BYTES_PER_KIB = 1024;

const STATUS = "/proc/self/status";

/** Entry written between two backups, and expected in the restored store. */
const MARK = valueAt(123_456);

/** This process's own peak. What `getrusage` calls so may be that of the process that has started it. */
function peakBytes() {
	const kib = existsSync(STATUS) ? /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(STATUS, "utf8"))?.[1] : undefined;
	return Number(kib ?? process.resourceUsage().maxRSS) * BYTES_PER_KIB;
}

const [what, folder, keyCount] = process.argv.slice(2);
const key = keyAt(Number(keyCount) >> 1);

/** @type {Record<string, () => Promise<number>>} */
const tasks = {
	nothing: async () => 0,
	backup: async () => {
		const start = performance.now();
		const store = await openBackedUp(folder, { intervalMs: NEVER_MS });
		const ms = performance.now() - start;
		await store.appData.set({ key, value: MARK });
		await store.backups.create();
		await store.close();
		return ms;
	},
	restore: async () => {
		const store = openDataStore({ filename: fileIn(folder), backup: { intervalMs: NEVER_MS, quiet: true } });
		const ms = await elapsedMs(() => store.appData.get(key));
		deepStrictEqual(await store.appData.get(key), MARK);
		await store.close();
		return ms;
	},
};

const ms = await tasks[what]();
answer({ ms, peakBytes: peakBytes() });
