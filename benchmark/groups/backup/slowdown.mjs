import { openDataStore } from "rootcellar";
import { rootcellar } from "../../drivers/rootcellar.mjs";
import { allKeys, randomKeys, valueAt } from "../../lib/data.mjs";
import { SMALL_CACHE_BYTES } from "../key-value/run.mjs";
import { workloads as keyValueWorkloads } from "../key-value/workloads.mjs";
import { fileIn } from "./store.mjs";

/** Workloads that are measured with backups and without, of those on which the drivers are compared. */
const IDS = ["get-1", "get-100", "get-small-cache-100", "set-1", "set-1000", "update-1", "update-1000"];

/** Interval of additional writes, so that workloads which only read have something to back up. */
const WRITE_EVERY_MS = 10;

/**
 * A store in which no write leaves a value as it is: each slice writes what the one before has written.
 *
 * @param {import("../../drivers/index.mjs").Store} store
 * @returns {import("../../drivers/index.mjs").Store}
 */
function unrepeated(store) {
	let writes = 0;
	return { ...store, set: (key, value) => store.set(key, Object.assign(value, { writes: writes++ })) };
}

const workloads = keyValueWorkloads.filter(({ id }) => IDS.includes(id));

/**
 * Slowdown of reads and writes by backups. A process with backups and one without alternate, a slice of a workload at
 * a time, so that what else the machine does strikes both.
 *
 * @type {import("./part.mjs").Part}
 */
export const slowdown = {
	workloads,
	run: async ({ folder, hasBackups, keyCount, profile, wants, turn, report }) => {
		const { slices, sliceDuration, fewKeys } = profile;
		// The first of two stores on one file says whether there are backups of it.
		const holder = openDataStore({ filename: fileIn(folder), backup: hasBackups ? {} : false });
		await holder.appData.get("");
		// While it waits for its turn, a process has nothing to back up.
		const settle = async () => hasBackups && (await holder.backups.create());
		await settle();
		const keys = allKeys(keyCount);
		const stride = Math.max(1, Math.floor(keyCount / fewKeys));
		const hot = keys.filter((_, index) => index % stride === 0);
		const keyToWrite = randomKeys(keys, { seed: 7 });
		let written = 0;
		for (const { id, run, smallCache } of workloads.filter((workload) => wants(workload.id))) {
			const store = unrepeated(await rootcellar.open(folder, smallCache ? { cacheBytes: SMALL_CACHE_BYTES } : {}));
			const bench = { store, driver: rootcellar, keys, hot, profile: { ...profile, duration: sliceDuration } };
			for (let slice = 0; slice < slices; slice++) {
				await turn();
				const writing = setInterval(() => store.set(keyToWrite(written), valueAt(written++)), WRITE_EVERY_MS);
				report(id, await run(bench));
				clearInterval(writing);
				await settle();
			}
			await store.close();
		}
		await holder.close();
	},
};
