import { ok } from "node:assert";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as wait } from "node:timers/promises";
import { keyAt, randomKeys, valueAt } from "../../lib/data.mjs";

/** Number of operations in flight beside the large one. */
const IN_FLIGHT = 100;

/** Every tenth of them is a write. */
const WRITE_EVERY = 10;

/** Until the keys that are read often are in the cache. */
const WARM_UP_MS = 1000;

/** Time under load before the large operations begin. */
const ALONE_MS = 500;

const NANOSECONDS_PER_MS = 1e6;

/**
 * Delay of the event loop while a store is under full load and many rows are read or deleted at once.
 *
 * The monitor's timer fires every millisecond, which is part of every delay.
 *
 * @param {string} folder - Holds a store of `manyKeys`.
 * @param {import("../../lib/profile.mjs").Profile} profile
 */
export async function eventLoopDelays(folder, { manyKeys, fewKeys, bulkPrefixes }) {
	const { openDataStore } = await import("rootcellar");
	const store = openDataStore({ filename: join(folder, "store.sqlite3"), backup: false });
	const { appData } = store;
	const stride = Math.max(1, Math.floor(manyKeys / fewKeys));
	const hot = Array.from({ length: Math.floor(manyKeys / stride) }, (_, index) => keyAt(index * stride));
	const load = startLoad(appData, hot);
	await wait(WARM_UP_MS);
	const alone = await watchEventLoop(() => wait(ALONE_MS));
	const select = await watchEventLoop(async () => {
		for (const prefix of bulkPrefixes) ok((await appData.select(`${prefix}%`)).length > 0);
	});
	const deleteLike = await watchEventLoop(async () => {
		for (const prefix of bulkPrefixes) await appData.deleteLike(`${prefix}%`);
	});
	await load.stop();
	await store.close();
	return { alone, select, deleteLike };
}

/**
 * Keeps reads and writes in flight until it is stopped.
 *
 * @param {import("rootcellar").KeyValueStore} appData
 * @param {string[]} hot
 */
function startLoad(appData, hot) {
	const keyOf = randomKeys(hot);
	let stopped = false;
	let step = 0;
	const lane = async () => {
		while (!stopped) {
			step++;
			if (step % WRITE_EVERY === 0) await appData.set({ key: keyOf(step), value: valueAt(step) });
			else await appData.get(keyOf(step));
		}
	};
	const lanes = Promise.all(Array.from({ length: IN_FLIGHT }, lane));
	return {
		stop: () => {
			stopped = true;
			return lanes;
		},
	};
}

/** @param {() => Promise<unknown>} work */
async function watchEventLoop(work) {
	const histogram = monitorEventLoopDelay({ resolution: 1 });
	histogram.enable();
	await work();
	// What is done sooner than the timer fires twice has delayed nobody until then.
	while (histogram.count === 0) await wait(1);
	histogram.disable();
	return { p99Ms: histogram.percentile(99) / NANOSECONDS_PER_MS, maxMs: histogram.max / NANOSECONDS_PER_MS };
}
