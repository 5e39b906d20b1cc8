// What an array leaves in the read cache.

import { createRequire } from "node:module";
import { expect, test } from "vitest";

const require = createRequire(import.meta.url);
const { CACHED_ARRAY_ENTRIES_MAX } = require("../../lib/base/limits.js");
const { CoherentCache } = require("../../lib/cache/coherent-cache.js");
const { Change } = require("../../lib/queue/change.js");
const { PendingWrites } = require("../../lib/queue/pending.js");

/** The cache after an array of so many entries, in which one was that is read and one that the array overwrites. */
function cacheAfter(entries) {
	const cache = new CoherentCache(1 << 20);
	cache.isSoleWriterSince = () => true;
	const stored = (text) => ({ text, expiresAt: undefined });
	cache.entries.set(undefined, "read", stored("1"));
	cache.entries.set(undefined, "key 7", stored('"old"'));
	const pending = new PendingWrites(cache);
	const changes = Array.from({ length: entries }, (_, n) => new Change(undefined, `key ${n}`, String(n), undefined));
	let isResolved = false;
	const write = {
		kind: "set",
		changes,
		resolve: () => {
			isResolved = true;
		},
	};
	pending.add(write);
	expect(pending.commit([write], 0, undefined)).toEqual([]);
	expect(isResolved).toBe(true);
	return (key) => cache.entries.get(undefined, key)?.text;
}

test("a short array is in the cache", () => {
	const text = cacheAfter(CACHED_ARRAY_ENTRIES_MAX);
	expect([text("read"), text("key 7"), text("key 999")]).toEqual(["1", "7", "999"]);
});

test("an import pushes nothing out of the cache, and leaves nothing there that it overwrote", () => {
	const text = cacheAfter(CACHED_ARRAY_ENTRIES_MAX + 1);
	expect([text("read"), text("key 7"), text("key 999")]).toEqual(["1", undefined, undefined]);
});
