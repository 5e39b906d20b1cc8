// Many keys read through a small cache: `node --expose-gc bounds.mjs <file> <what>`. Prints as JSON what JavaScript's live
// objects take before and after, in MiB.

import { openDataStore } from "rootcellar";

const CACHE_BYTES = 4 << 20;
const AT_ONCE = 100;
const [filename, what] = process.argv.slice(2);
const { appData } = openDataStore({ filename, backup: false, cacheBytes: CACHE_BYTES });

function live() {
	globalThis.gc();
	return process.memoryUsage().heapUsed / 2 ** 20;
}

/** By what it is that is read: how often, and how. */
const plans = {
	"keys cut out of long texts": [
		1_000,
		(n) => appData.get(textEndingIn(`user:${String(n).padStart(12, "0")}`).slice(20_000)),
	],
	"a community for each key": [50_000, (n) => appData.get("key", `community ${n}`)],
};

function textEndingIn(key) {
	return Buffer.from("x".repeat(20_000) + key).toString();
}

await appData.get("first");
const before = live();
const [count, get] = plans[what];
for (let from = 0; from < count; from += AT_ONCE) {
	await Promise.all(Array.from({ length: AT_ONCE }, (_, n) => get(from + n)));
}
console.log(JSON.stringify({ limit: CACHE_BYTES / 2 ** 20, before, after: live() }));
process.exit();
