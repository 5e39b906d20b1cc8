import { deepStrictEqual } from "node:assert";
import { allKeys, entriesBetween, GROUP_SIZE, groupPrefix, keyAt, valueAt } from "../../lib/data.mjs";

/** Far too small for the data, for reads that are to miss the cache. */
export const SMALL_CACHE_BYTES = 65_536;

/** As many entries as go into a store in one call while it is filled. */
const FILL_ENTRIES = 5000;

/**
 * @typedef {object} Run
 * @property {string} folder - Where the store lies, filled.
 * @property {import("../../drivers/index.mjs").Driver} driver
 * @property {number} keyCount
 * @property {number} hotCount - How many keys are read and updated often, spread over the store.
 * @property {import("../../lib/profile.mjs").Profile} profile
 * @property {() => Promise<void>} turn
 * @property {(workload: string, value: number) => void} report
 */

/**
 * Puts the first keys into a new store.
 *
 * @param {import("../../drivers/index.mjs").Driver} driver
 * @param {string} folder
 * @param {number} keyCount
 */
export async function fill(driver, folder, keyCount) {
	const entries = entriesBetween(0, keyCount);
	if (driver.fill) return driver.fill(folder, entries);
	const store = await driver.open(folder);
	const size = driver.arrayMax ?? FILL_ENTRIES;
	for (let from = 0; from < keyCount; from += size) await store.setMany(entries.slice(from, from + size));
	await store.close();
}

/**
 * Runs workloads on a filled store, those with a small cache before the others.
 *
 * @param {Run} run
 * @param {readonly import("./workloads.mjs").Workload[]} workloads
 */
export async function runWorkloads(run, workloads) {
	const small = workloads.filter(({ smallCache }) => smallCache);
	const others = workloads.filter(({ smallCache }) => !smallCache);
	if (small.length > 0) await runOn(run, small, { cacheBytes: SMALL_CACHE_BYTES });
	if (others.length > 0) await runOn(run, others, {});
}

/**
 * @param {Run} run
 * @param {readonly import("./workloads.mjs").Workload[]} workloads
 * @param {{ cacheBytes?: number }} options
 */
async function runOn({ folder, driver, keyCount, hotCount, profile, turn, report }, workloads, options) {
	const store = await driver.open(folder, options);
	await checkContent(store, keyCount);
	const keys = allKeys(keyCount);
	const stride = Math.max(1, Math.floor(keyCount / hotCount));
	const hot = keys.filter((_, index) => index % stride === 0);
	for (const { id, run } of workloads) {
		await turn();
		report(id, await run({ store, driver, keys, hot, profile }));
	}
	await store.close();
}

/**
 * A driver that does not give back what was stored measures nothing.
 *
 * @param {import("../../drivers/index.mjs").Store} store
 * @param {number} keyCount
 */
async function checkContent(store, keyCount) {
	const index = keyCount - 1;
	deepStrictEqual(await store.get(keyAt(index)), valueAt(index));
	const found = await store.select(groupPrefix(0));
	deepStrictEqual(found.length, Math.min(keyCount, GROUP_SIZE));
	// By its value: a select of the SDK tells no keys.
	const expected = valueAt(1);
	deepStrictEqual(found.find(({ value }) => value.id === expected.id)?.value, expected);
}
