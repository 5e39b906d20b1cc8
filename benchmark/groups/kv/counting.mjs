import { deepStrictEqual } from "node:assert";
import { join } from "node:path";
// @ts-expect-error It has no declarations.
import Database from "better-sqlite3";
import { randomKeys } from "../../lib/data.mjs";
import { throughput } from "../../lib/measure.mjs";

/** Counters that are incremented at once. */
const COUNTERS = Array.from({ length: 100 }, (_, index) => `counter:${index}`);

export const countWorkload = /** @type {const} */ ({
	id: "kv-increment-1000",
	title: "increment, 1,000 in flight on 100 keys",
	unit: "ops/s",
	better: "higher",
});

/** @type {import("./reads.mjs").Run} */
async function increment({ store, profile }) {
	const { kv } = store;
	deepStrictEqual(await Promise.all([kv.increment("checked"), kv.increment("checked", 2)]), [1, 3]);
	const keyOf = randomKeys(COUNTERS);
	return throughput(profile.manyInFlight, (step) => kv.increment(keyOf(step)), profile.duration);
}

/** @type {import("./reads.mjs").Run} */
async function update({ store, profile }) {
	const { appData } = store;
	const keyOf = randomKeys(COUNTERS);
	const add = (/** @type {number} */ count) => count + 1;
	return throughput(profile.manyInFlight, (step) => appData.update(keyOf(step), add, 0), profile.duration);
}

/**
 * The `add` of quick.db 9.1.7, one after another, for at once they do not add up: it reads the row, and writes it, with
 * `better-sqlite3` in SQLite's default mode. Without what JavaScript is around that in quick.db.
 *
 * @type {import("./reads.mjs").Run}
 */
async function addInQuickDb({ folder, profile }) {
	const database = new Database(join(folder, "json.sqlite"));
	database.exec("CREATE TABLE IF NOT EXISTS json (ID TEXT PRIMARY KEY, json TEXT)");
	const read = database.prepare("SELECT json FROM json WHERE ID = ?");
	const insert = database.prepare("INSERT INTO json (json, ID) VALUES (?, ?)");
	const write = database.prepare("UPDATE json SET json = ? WHERE ID = ?");
	const add = (/** @type {string} */ key) => {
		const row = read.get(key);
		(row ? write : insert).run(JSON.stringify((row ? JSON.parse(row.json) : 0) + 1), key);
	};
	const keyOf = randomKeys(COUNTERS);
	const perSecond = await throughput(1, (step) => add(keyOf(step)), profile.duration);
	database.close();
	return perSecond;
}

/** What rootcellar itself is measured with. */
export const countRuns = { [countWorkload.id]: increment };

/** @type {readonly import("./reads.mjs").Subject[]} */
export const countSubjects = [
	{ id: "update", title: "update", runs: { [countWorkload.id]: update } },
	{ id: "quick-db", title: "add of quick.db, one after another", runs: { [countWorkload.id]: addInQuickDb } },
];
