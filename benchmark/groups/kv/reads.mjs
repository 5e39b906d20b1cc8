import { deepStrictEqual } from "node:assert";
import { allKeys, GROUP_SIZE, hundredPrefix, keyAt, randomFrom, valueAt } from "../../lib/data.mjs";
import { throughput } from "../../lib/measure.mjs";

/**
 * @typedef {object} Bench
 * @property {import("rootcellar").DataStore} store - With `profile.manyKeys` keys.
 * @property {import("../../lib/profile.mjs").Profile} profile
 * @property {string} folder - That of the store.
 *
 * @typedef {(bench: Bench) => Promise<number>} Run
 *
 * @typedef {object} Subject
 * @property {string} id
 * @property {string} title
 * @property {Record<string, Run>} runs - By workload.
 */

/** Prefix of every key. */
const EVERY_KEY = "group:";
/** First text after all of them. */
const BEHIND_EVERY_KEY = "group;";

/** Keys of one call. */
const MANY = 100;

/** Calls whose keys are read again and again, so that they are all cached. */
const CALLS = 50;

const PAGE = 100;
const PAGE_MAX = 1_000;

const milliseconds = /** @type {const} */ ({ unit: "ms", better: "lower" });

export const workloads = /** @type {const} */ ([
	{ id: "kv-get-many", title: "100 cached keys at once", unit: "calls/s", better: "higher" },
	{ id: "kv-list-100", title: "list of 100 by prefix", ...milliseconds },
	{ id: "kv-count", title: "count of all keys by prefix", ...milliseconds },
	{ id: "kv-count-first", title: "the same, of keys that were not counted before", ...milliseconds },
]);

export const pageWorkload = /** @type {const} */ ({
	id: "kv-page",
	title: "page of 100, of all keys by prefix",
	...milliseconds,
});

/**
 * The mean of an operation, in milliseconds.
 *
 * @param {(step: number) => unknown} operation
 * @param {Bench} bench
 */
const mean = async (operation, { profile }) => 1000 / (await throughput(1, operation, profile.duration));

/** @param {Bench} bench */
function callsOf({ profile }) {
	const random = randomFrom(7);
	return Array.from({ length: CALLS }, () =>
		Array.from({ length: MANY }, () => keyAt(Math.floor(random() * profile.manyKeys))),
	);
}

/** @type {Run} */
async function getMany(bench) {
	const { kv } = bench.store;
	const calls = callsOf(bench);
	for (const keys of calls) await kv.getMany(keys);
	deepStrictEqual(await kv.getMany([keyAt(7), "missing"]), [valueAt(7), undefined]);
	return throughput(1, (step) => kv.getMany(calls[step % CALLS]), bench.profile.duration);
}

/**
 * The limit: a new object from JSON text for each key, behind one promise.
 *
 * @type {Run}
 */
async function lookUpInMap(bench) {
	const { manyKeys, duration } = bench.profile;
	const texts = new Map(allKeys(manyKeys).map((key, index) => [key, JSON.stringify(valueAt(index))]));
	const calls = callsOf(bench);
	const look = async (/** @type {string[]} */ keys) =>
		keys.map((key) => {
			const text = texts.get(key);
			return text === undefined ? undefined : JSON.parse(text);
		});
	for (const keys of calls) await look(keys);
	return throughput(1, (step) => look(calls[step % CALLS]), duration);
}

/** @type {Run} */
async function listHundred(bench) {
	const { kv } = bench.store;
	const random = randomFrom(5);
	const hundreds = Math.floor(bench.profile.manyKeys / PAGE);
	const list = () => kv.list({ prefix: hundredPrefix(Math.floor(random() * hundreds)) });
	const { entries } = await kv.list({ prefix: hundredPrefix(1) });
	deepStrictEqual(
		entries,
		Array.from({ length: PAGE }, (_, index) => ({ key: keyAt(PAGE + index), value: valueAt(PAGE + index) })),
	);
	return mean(list, bench);
}

/** @type {Run} */
async function count(bench) {
	const { kv } = bench.store;
	deepStrictEqual(await kv.count({ prefix: EVERY_KEY }), bench.profile.manyKeys);
	return mean(() => kv.count({ prefix: EVERY_KEY }), bench);
}

/**
 * Each range is larger than the one before, so that nothing is known of it.
 *
 * @type {Run}
 */
async function countFirst(bench) {
	const { kv } = bench.store;
	const countMore = (/** @type {number} */ step) =>
		kv.count({ start: EVERY_KEY, end: BEHIND_EVERY_KEY + "~".repeat(step + 1) });
	deepStrictEqual(await countMore(0), bench.profile.manyKeys);
	return mean((step) => countMore(step + 1), bench);
}

/** @type {Run} */
async function countInSql(bench) {
	const { sqlite } = bench.store;
	const sql = "SELECT count(*) AS n FROM __rootapp_kv WHERE community_id IS NULL AND key >= ? AND key < ?";
	const countAll = () => sqlite.get(sql, [EVERY_KEY, BEHIND_EVERY_KEY]);
	deepStrictEqual(await countAll(), { n: bench.profile.manyKeys });
	return mean(countAll, bench);
}

/** @type {Run} */
async function firstPage(bench) {
	const { kv } = bench.store;
	return mean(() => kv.list({ prefix: EVERY_KEY, limit: PAGE }), bench);
}

/** @type {Run} */
async function lastPage(bench) {
	const { kv } = bench.store;
	/** @type {string | undefined} */
	let last;
	let keys = 0;
	let limit = PAGE_MAX;
	for (;;) {
		const page = await kv.listKeys({ prefix: EVERY_KEY, limit, cursor: last });
		keys += page.entries.length;
		if (page.cursor === undefined) break;
		last = page.cursor;
		if (bench.profile.manyKeys - keys <= GROUP_SIZE) limit = PAGE;
	}
	deepStrictEqual(keys, bench.profile.manyKeys);
	const read = () => kv.list({ prefix: EVERY_KEY, limit: PAGE, cursor: last });
	const { entries, cursor } = await read();
	deepStrictEqual([entries.length, cursor], [PAGE, undefined]);
	return mean(read, bench);
}

/** @type {readonly Subject[]} */
export const subjects = [
	{
		id: "rootcellar",
		title: "rootcellar",
		runs: {
			"kv-get-many": getMany,
			"kv-list-100": listHundred,
			"kv-count": count,
			"kv-count-first": countFirst,
		},
	},
	{ id: "map", title: "Map (the limit)", runs: { "kv-get-many": lookUpInMap } },
	{
		id: "count-in-sql",
		title: "count(*) in SQL",
		runs: { "kv-count": countInSql, "kv-count-first": countInSql },
	},
	{ id: "first-page", title: "the first page", runs: { [pageWorkload.id]: firstPage } },
	{ id: "last-page", title: "the last page", runs: { [pageWorkload.id]: lastPage } },
];
