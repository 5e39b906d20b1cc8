// Operations of which many are in flight: `node garbage.mjs <file> <what>`. Prints as JSON what part of the memory that they
// took is in V8's old space when they are done, although it was needed for a moment only.

import { GCProfiler } from "node:v8";
import { openDataStore } from "rootcellar";

const KEYS = 2_000;
const IN_FLIGHT = 1_000;
const EACH = 50;
const [filename, what] = process.argv.slice(2);
// The cache holds next to nothing, so that a get is a read in flight and nothing is there to stay.
const { appData, kv, sqlite } = openDataStore({ filename, backup: false, cacheBytes: 1 });

const keyOf = (n) => `member:${String(n % KEYS).padStart(9, "0")}`;
const memberOf = (n) => ({ id: n, name: "Ada Lovelace of Root", xp: n, roles: ["member", "gardener"] });

function promoted(member) {
	member.xp++;
	return member;
}

const operations = {
	get: (n) => appData.get(keyOf(n)),
	has: (n) => kv.has(keyOf(n)),
	update: (n) => appData.update(keyOf(n), promoted, undefined),
	delete: (n) => appData.delete(keyOf(n)),
	"kv.increment": (n) => kv.increment(`count:${n % KEYS}`),
	"sqlite.run": () => sqlite.run("UPDATE numbers SET n = n + 1 WHERE id = 1"),
	"sqlite.get": () => sqlite.get("SELECT n FROM numbers WHERE id = 1"),
	"kv.setIfAbsent": (n) => kv.setIfAbsent({ key: keyOf(n), value: memberOf(n) }),
};

await appData.set(Array.from({ length: KEYS }, (_, n) => ({ key: keyOf(n), value: memberOf(n) })));
await sqlite.exec("CREATE TABLE numbers (id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO numbers VALUES (1, 1)");
const profiler = new GCProfiler();
profiler.start();
let next = 0;
async function lane() {
	for (let count = 0; count < EACH; count++) await operations[what](next++);
}
await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
const { statistics } = profiler.stop();

const oldSpace = ({ heapSpaceStatistics }) =>
	heapSpaceStatistics.find(({ spaceName }) => spaceName === "old_space").spaceUsedSize;
let [taken, grown] = [0, 0];
for (const [index, { gcType, beforeGC, afterGC }] of statistics.entries()) {
	const last = statistics[index - 1]?.afterGC;
	if (last === undefined || gcType !== "Scavenge") continue;
	taken += beforeGC.heapStatistics.usedHeapSize - last.heapStatistics.usedHeapSize;
	grown += oldSpace(afterGC) - oldSpace(last);
}
console.log(JSON.stringify({ collections: statistics.length, taken, grown }));
process.exit();
