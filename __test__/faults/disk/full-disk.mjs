// A store on a disk that is too small: `node full-disk.mjs <kind of disk> <folder> <folder for the result>`.
// Prints as JSON how every operation ended, and leaves a copy of the file as it was at the end.

import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { openDataStore } from "rootcellar";
import { smallDisk } from "./small-disk.mjs";

const [kind, folder, resultFolder] = process.argv.slice(2);

const BIG = "x".repeat(8 << 20);
const SMALL_BYTES = 2_000;
const filename = join(folder, "store.sqlite3");
const disk = smallDisk(kind, folder);

/** Outcome of an operation: its code, or "done". */
const end = (promise) =>
	promise.then(
		() => "done",
		(error) => error.code,
	);
/** Counts of each outcome. */
async function count(operations) {
	const counts = {};
	for (const one of await Promise.all(operations.map(end))) counts[one] = (counts[one] ?? 0) + 1;
	return counts;
}

const result = { way: kind };
disk.shrink();
const store = openDataStore({ filename, backup: false });
const { appData, kv } = store;
const small = (key) => ({ key, value: key.padEnd(SMALL_BYTES, ".") });
await appData.set(Array.from({ length: 50 }, (_, i) => small(`old:${i}`)));

// One value that does not fit, in each way to store it, among others of the same tick that do.
const before = Array.from({ length: 50 }, (_, i) => appData.set(small(`before:${i}`)));
const big = {
	set: end(appData.set({ key: "big", value: BIG })),
	array: end(appData.set([small("with:0"), { key: "with:big", value: BIG }, small("with:1")])),
	update: end(appData.update("old:0", () => BIG, "")),
	several: end(kv.updateMany(["old:3", "old:4", "with:2"], () => ({ "old:3": "new", "old:4": BIG, "with:2": "new" }))),
	absent: end(kv.setIfAbsent({ key: "with:3", value: BIG })),
};
const after = Array.from({ length: 50 }, (_, i) => appData.set(small(`after:${i}`)));
const mixed = [
	appData.update("old:1", (text) => `${text}!`, ""),
	appData.delete("old:2"),
	appData.deleteLike("old:3_"),
	appData.select("old:%"),
];
result.neighbours = await count([...before, ...after, ...mixed]);
result.big = Object.fromEntries(await Promise.all(Object.entries(big).map(async ([way, ended]) => [way, await ended])));
result.stored = {
	before: (await appData.selectValue("before:%")).length,
	after: (await appData.selectValue("after:%")).length,
	big: await appData.get("big"),
	with: await appData.select("with:%"),
	old: (await appData.get("old:0")).length,
	kept: (await kv.getMany(["old:3", "old:4"])).map((text) => text.length),
	updated: (await appData.get("old:1")).endsWith("!"),
	deleted: (await appData.selectValue("old:%")).length,
};

// No room at all: nothing is written once what the log already has is used up, and everything can still be read.
disk.exhaust();
const acknowledged = [];
const codes = new Set();
for (let round = 0; codes.size === 0 && round < 200; round++) {
	const keys = Array.from({ length: 40 }, (_, i) => `full:${round}:${i}`);
	const writes = keys.map((key) => appData.set(small(key)).then(() => acknowledged.push(key)));
	for (const write of await Promise.allSettled(writes)) if (write.reason) codes.add(write.reason.code);
}
const missing = async () => {
	const keys = new Set((await appData.select("full:%")).map(({ key }) => key));
	return { missing: acknowledged.filter((key) => !keys.has(key)), more: keys.size - acknowledged.length };
};
result.full = {
	codes: [...codes],
	acknowledged: acknowledged.length,
	...(await missing()),
	get: (await appData.get("before:7")).length,
	select: (await appData.selectValue("before:%")).length,
};
const fresh = openDataStore({ filename: join(folder, "new.sqlite3"), backup: false });
result.openingOnFull = await end(fresh.appData.set({ key: "k", value: "works" }));

// Room again: what did not fit does, in the same store.
disk.release();
result.again = await count([
	appData.set({ key: "big", value: BIG }),
	appData.update("old:0", () => "new", ""),
	...Array.from({ length: 50 }, (_, i) => appData.set(small(`again:${i}`))),
	fresh.appData.set({ key: "k", value: "works" }),
]);
result.afterwards = {
	...(await missing()),
	big: (await appData.get("big")).length,
	again: (await appData.selectValue("again:%")).length,
	fresh: await fresh.appData.get("k"),
};
await fresh.close();
await store.close();
copyFileSync(filename, join(resultFolder, "store.sqlite3"));
console.log(JSON.stringify(result));
