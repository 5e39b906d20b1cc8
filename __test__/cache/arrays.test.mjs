// Entries that an array leaves in the read cache.

import { createRequire } from "node:module";
import { expect, test, vi } from "vitest";

const require = createRequire(import.meta.url);
const { CoherentCache } = require("../../lib/cache/coherent-cache.js");
const { bulkSet } = require("../../lib/queue/bulk-set.js");
const { Change } = require("../../lib/queue/change.js");
const { PendingWrites } = require("../../lib/queue/pending.js");

/** The cache after a set of so many keys, beside one that was read before and one of them that it had. */
function cacheAfter(write) {
	const cache = new CoherentCache(1 << 20);
	cache.isSoleWriterSince = () => true;
	const stored = (text) => ({ text, expiresAt: undefined });
	cache.entries.set(undefined, "read", stored("1"));
	cache.entries.set(undefined, "key 7", stored('"old"'));
	const pending = new PendingWrites(cache);
	const { resolve } = write;
	pending.add(write);
	expect(pending.concerns(undefined, "key 7")).toBe(true);
	expect(pending.commit([write], 0, undefined)).toEqual([]);
	expect(resolve).toHaveBeenCalledTimes(1);
	expect(pending.concerns(undefined, "key 7")).toBe(false);
	return (key) => cache.entries.get(undefined, key)?.text;
}

const entries = Array.from({ length: 1_000 }, (_, n) => ({ community: undefined, key: `key ${n}`, text: String(n) }));

test("an array that is set key by key is in the cache", () => {
	const changes = entries.map(({ key, text }) => new Change(undefined, key, text, undefined));
	const text = cacheAfter({ kind: "set", changes, resolve: vi.fn() });
	expect([text("read"), text("key 7"), text("key 999")]).toEqual(["1", "7", "999"]);
});

test("one that is set in bulk pushes nothing out of the cache, and leaves nothing there that it overwrote", () => {
	const text = cacheAfter(bulkSet(entries, entries.length, { resolve: vi.fn() }));
	expect([text("read"), text("key 7"), text("key 999")]).toEqual(["1", undefined, undefined]);
});
