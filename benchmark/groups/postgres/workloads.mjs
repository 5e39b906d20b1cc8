import { deepStrictEqual } from "node:assert";
import { keyAt, randomKeys, valueAt } from "../../lib/data.mjs";
import { throughput } from "../../lib/measure.mjs";

/**
 * @typedef {object} Bench
 * @property {import("./drivers/index.mjs").Store} store
 * @property {import("./drivers/index.mjs").Driver} driver
 * @property {string[]} keys
 * @property {import("../../lib/profile.mjs").Profile} profile
 *
 * @typedef {import("../index.mjs").WorkloadInfo & { run: (bench: Bench) => Promise<number> }} Workload
 */

/** Keys that the concurrent updates share. */
const UPDATED_KEYS = 100;

/** So many steps of a random walk differ that a store of a million keys is visited all over. */
const RANDOM_STEPS = 1_048_576;

let freshKeys = 0;

/** A key that no store has yet. */
const freshKey = () => `fresh:${process.pid}:${String(freshKeys++).padStart(12, "0")}`;

/** @type {(inFlightOf: (bench: Bench) => number) => Workload["run"]} */
const get = (inFlightOf) => async (bench) => {
	const { store, keys, profile } = bench;
	deepStrictEqual(await store.get(keyAt(7)), valueAt(7));
	const keyOf = randomKeys(keys, { seed: 2, length: RANDOM_STEPS });
	return throughput(inFlightOf(bench), (step) => store.get(keyOf(step)), profile.duration);
};

/** @type {(inFlightOf: (bench: Bench) => number) => Workload["run"]} */
const set = (inFlightOf) => async (bench) => {
	const { store, driver, keys, profile } = bench;
	const keyOf = driver.freshKeys ? freshKey : randomKeys(keys, { seed: process.pid, length: RANDOM_STEPS });
	return throughput(inFlightOf(bench), (step) => store.set(keyOf(step), valueAt(step)), profile.duration);
};

/**
 * Counts, and looks at the sums: where a driver loses updates, that is told and not hidden.
 *
 * @type {(inFlightOf: (bench: Bench) => number) => Workload["run"]}
 */
const update = (inFlightOf) => async (bench) => {
	const { store, driver, profile } = bench;
	const counters = Array.from({ length: UPDATED_KEYS }, () => freshKey());
	for (const key of counters) await store.set(key, { count: 0 });
	const keyOf = randomKeys(counters, { seed: 3 });
	let calls = 0;
	const add = (/** @type {{ count: number }} */ value) => ({ count: value.count + 1 });
	const perSecond = await throughput(
		inFlightOf(bench),
		(step) => {
			calls++;
			return store.update(keyOf(step), add);
		},
		profile.duration,
	);
	if (driver.id === "rootcellar") {
		const counts = await Promise.all(counters.map((key) => store.get(key)));
		deepStrictEqual(
			counts.reduce((sum, { count }) => sum + count, 0),
			calls,
		);
	}
	return perSecond;
};

const one = () => 1;

/** @param {Bench} bench */
const many = ({ profile }) => profile.manyInFlight;

const perSecond = /** @type {const} */ ({ unit: "ops/s", better: "higher" });

/** @type {readonly Workload[]} */
export const workloads = [
	{ id: "pg-get-1", title: "get, one after another", ...perSecond, run: get(one) },
	{ id: "pg-get-1000", title: "get, 1,000 in flight", ...perSecond, run: get(many) },
	{ id: "pg-set-1", title: "set, one after another", ...perSecond, run: set(one) },
	{ id: "pg-set-1000", title: "set, 1,000 in flight", ...perSecond, run: set(many) },
	{ id: "pg-update-1000", title: "update, 1,000 in flight on 100 keys", ...perSecond, run: update(many) },
];
