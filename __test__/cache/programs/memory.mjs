// Keys read through a cache: `node memory.mjs fill <file> <keys> <cache bytes>` writes them, and `node --expose-gc memory.mjs
// read ...` with the same arguments reads them. Prints as JSON what that took, in MiB: resident, and of it the live objects of JavaScript.

import { openDataStore } from "rootcellar";

const AT_ONCE = 1_000;
const [mode, filename, count, cacheBytes] = process.argv.slice(2);

const mebibytes = (bytes) => Math.round(bytes / 2 ** 20);
const resident = () => mebibytes(process.memoryUsage.rss());
function live() {
	globalThis.gc?.();
	return mebibytes(process.memoryUsage().heapUsed);
}

/** A value of about 110 bytes, as a bot may have one for each user. */
function entryOf(n) {
	const name = `user ${String(n).padStart(8, "0")}`;
	return { name, xp: 123_456, tags: ["a", "b"], joined: "2024-05-01T12:34:56.789Z", note: "123456789" };
}

const bare = { resident: resident(), live: live() };
const store = openDataStore({ filename, backup: false, cacheBytes: Number(cacheBytes) });
let most = 0;
for (let from = 0; from < Number(count); from += AT_ONCE) {
	const numbers = Array.from({ length: AT_ONCE }, (_, n) => from + n);
	const keys = numbers.map((n) => `user:${n}`);
	if (mode === "fill") {
		await store.appData.set(numbers.map((n, index) => ({ key: keys[index], value: entryOf(n) })));
	} else {
		const found = await Promise.all(keys.map((key) => store.appData.get(key)));
		if (JSON.stringify(found.at(-1)) !== JSON.stringify(entryOf(numbers.at(-1)))) throw new Error("a wrong value");
		most = Math.max(most, resident());
	}
}
const read = { most, live: live(), resident: resident() };
await store.close();
console.log(JSON.stringify({ limit: mebibytes(Number(cacheBytes)), bare, read }));
