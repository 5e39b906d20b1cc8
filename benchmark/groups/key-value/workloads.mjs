import { groupPrefix, hundredPrefix, randomFrom, randomKeys, valueAt } from "../../lib/data.mjs";
import { elapsedMs, throughput } from "../../lib/measure.mjs";

/**
 * Subject of a workload.
 *
 * @typedef {object} Bench
 * @property {import("../../drivers/index.mjs").Store} store
 * @property {import("../../drivers/index.mjs").Driver} driver
 * @property {string[]} keys - Every key of the store.
 * @property {string[]} hot - Those that are read often, spread over the whole store.
 * @property {import("../../lib/profile.mjs").Profile} profile
 *
 * @typedef {object} Workload
 * @property {string} id
 * @property {string} title
 * @property {string} unit
 * @property {"higher" | "lower"} better
 * @property {boolean} [smallCache] - Whether the store's cache must be too small for the data.
 * @property {(bench: Bench) => Promise<number>} run
 */

/** Number of keys that the concurrent updates share. */
const UPDATED_KEYS = 100;

/** So many steps of a random walk differ that a store of a million keys is visited all over. */
const RANDOM_STEPS = 1_048_576;

let freshKeys = 0;

/** A key that no store has yet. */
const freshKey = () => `fresh:${String(freshKeys++).padStart(12, "0")}`;

/** @type {(inFlight: number) => (bench: Bench) => Promise<number>} */
const getHot =
	(inFlight) =>
	async ({ store, hot, profile }) => {
		// Once each, so that what caches has cached them.
		for (const key of hot) await store.get(key);
		const keyOf = randomKeys(hot);
		return throughput(inFlight, (step) => store.get(keyOf(step)), profile.duration);
	};

/** @type {(inFlight: number) => (bench: Bench) => Promise<number>} */
const getAny =
	(inFlight) =>
	({ store, keys, profile }) => {
		const keyOf = randomKeys(keys, { seed: inFlight, length: RANDOM_STEPS });
		return throughput(inFlight, (step) => store.get(keyOf(step)), profile.duration);
	};

const one = () => 1;

/** @param {Bench} bench */
const many = ({ profile }) => profile.manyInFlight;

/** @type {(inFlightOf: (bench: Bench) => number) => (bench: Bench) => Promise<number>} */
const set = (inFlightOf) => (bench) => {
	const { store, driver, keys, profile } = bench;
	const inFlight = inFlightOf(bench);
	const keyOf = driver.freshKeys ? freshKey : randomKeys(keys, { seed: inFlight, length: RANDOM_STEPS });
	return throughput(inFlight, (step) => store.set(keyOf(step), valueAt(step)), profile.duration);
};

/** @type {(inFlightOf: (bench: Bench) => number) => (bench: Bench) => Promise<number>} */
const update = (inFlightOf) => (bench) => {
	const { store, hot, profile } = bench;
	const inFlight = inFlightOf(bench);
	const stride = Math.floor(hot.length / UPDATED_KEYS);
	const updated = Array.from({ length: UPDATED_KEYS }, (_, index) => hot[index * stride]);
	const keyOf = randomKeys(updated, { seed: inFlight });
	const earn = (/** @type {import("../../lib/data.mjs").Member} */ member) => {
		member.xp += 1;
		return member;
	};
	return throughput(inFlight, (step) => store.update(keyOf(step), earn), profile.duration);
};

/** @type {(bench: Bench) => Promise<number>} */
async function mixed({ store, driver, hot, profile }) {
	for (const key of hot) await store.get(key);
	const keyOf = randomKeys(hot, { seed: 3 });
	const keyToSet = driver.freshKeys ? freshKey : keyOf;
	const operation = (/** @type {number} */ step) =>
		step % 10 === 0 ? store.set(keyToSet(step), valueAt(step)) : store.get(keyOf(step));
	return throughput(100, operation, profile.duration);
}

/** @type {(bench: Bench) => Promise<number>} */
function selectThousand({ store, keys, profile }) {
	const groups = Math.floor(keys.length / 1000);
	const random = randomFrom(4);
	return throughput(1, () => store.select(groupPrefix(Math.floor(random() * groups))), profile.duration);
}

/** @type {(bench: Bench) => Promise<number>} */
async function selectHundredMs({ store, keys, profile }) {
	const hundreds = Math.floor(keys.length / 100);
	const random = randomFrom(5);
	const select = () => store.select(hundredPrefix(Math.floor(random() * hundreds)));
	return 1000 / (await throughput(1, select, profile.duration));
}

/**
 * Entries per second. Of a store that cannot take as many at once, the array is cut into parts; of a slow one, only
 * as many are written as fit into the time.
 *
 * @type {(bench: Bench) => Promise<number>}
 */
async function setArray({ store, driver, profile: { arraySize, duration } }) {
	const partSize = Math.min(arraySize, driver.arrayMax ?? arraySize);
	const nextPart = () => Array.from({ length: partSize }, (_, index) => ({ key: freshKey(), value: valueAt(index) }));
	await store.setMany(nextPart());
	let spentMs = 0;
	let written = 0;
	while (spentMs < duration.measureMs) {
		const part = nextPart();
		spentMs += await elapsedMs(() => store.setMany(part));
		written += partSize;
	}
	return (written * 1000) / spentMs;
}

const perSecond = /** @type {const} */ ({ unit: "ops/s", better: "higher" });

/** In the order in which a process runs them: what changes the store comes after what reads it. */
export const workloads = /** @type {readonly Workload[]} */ ([
	{
		id: "get-small-cache-1",
		title: "get, cache too small, one after another",
		smallCache: true,
		...perSecond,
		run: getAny(1),
	},
	{
		id: "get-small-cache-100",
		title: "get, cache too small, 100 in flight",
		smallCache: true,
		...perSecond,
		run: getAny(100),
	},
	{ id: "get-1", title: "get, hot, one after another", ...perSecond, run: getHot(1) },
	{ id: "get-100", title: "get, hot, 100 in flight", ...perSecond, run: getHot(100) },
	{ id: "select-1000", title: "select of 1,000 rows by prefix", ...perSecond, run: selectThousand },
	{ id: "set-1", title: "set, one after another", ...perSecond, run: set(one) },
	{ id: "set-1000", title: "set, 1,000 in flight", ...perSecond, run: set(many) },
	{ id: "update-1", title: "update, one after another", ...perSecond, run: update(one) },
	{ id: "update-1000", title: "update, 1,000 in flight on 100 keys", ...perSecond, run: update(many) },
	{ id: "mixed-100", title: "90 % get, 10 % set, 100 in flight", ...perSecond, run: mixed },
	{ id: "set-array", title: "array set of 20,000", unit: "entries/s", better: "higher", run: setArray },
]);

/** @type {Workload} */
export const selectHundred = {
	id: "select-100",
	title: "select of 100 rows by prefix",
	unit: "ms",
	better: "lower",
	run: selectHundredMs,
};
