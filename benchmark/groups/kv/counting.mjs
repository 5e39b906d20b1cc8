import { deepStrictEqual } from "node:assert";
import { createRequire } from "node:module";
import { join } from "node:path";
import { importedFolder } from "../../../scripts/lib/install/packages.mjs";
import { randomKeys } from "../../lib/data.mjs";
import { throughput } from "../../lib/measure.mjs";

/** Folder in which the other libraries are installed. */
const packages = createRequire(join(importedFolder, "package.json"));

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
 * The `add` of quick.db 9.1.7 itself, one after another, because at once they do not add up.
 *
 * @type {import("./reads.mjs").Run}
 */
async function addInQuickDb({ folder, profile }) {
	const { QuickDB, SqliteDriver } = packages("quick.db-9");
	const driver = new SqliteDriver(join(folder, "json.sqlite"));
	const db = new QuickDB({ driver });
	deepStrictEqual([await db.add("checked", 1), await db.add("checked", 2)], [1, 3]);
	const keyOf = randomKeys(COUNTERS);
	return throughput(1, (step) => db.add(keyOf(step), 1), profile.duration);
}

/** Runs of rootcellar itself. */
export const countRuns = { [countWorkload.id]: increment };

/** @type {readonly import("./reads.mjs").Subject[]} */
export const countSubjects = [
	{ id: "update", title: "update", runs: { [countWorkload.id]: update } },
	{ id: "quick-db", title: "add of quick.db, one after another", runs: { [countWorkload.id]: addInQuickDb } },
];
