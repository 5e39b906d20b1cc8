// The bounded cache by itself, against a model.

import { createRequire } from "node:module";
import fc from "fast-check";
import { expect, test } from "vitest";
import { rounds } from "../helpers/rounds.mjs";

const require = createRequire(import.meta.url);
const { ReadCache } = require("../../lib/cache/read-cache.js");
const { CACHE_ENTRY_OVERHEAD_BYTES } = require("../../lib/base/limits.js");

const RUNS = rounds({ few: 300, many: 2_000, long: 10_000 });

/** Size of an entry, by the documentation of the limit: two bytes for each unit of its texts, and the overhead. */
function bytesOf(community, key, text) {
	return 2 * ((community?.length ?? 0) + key.length + (text?.length ?? 0)) + CACHE_ENTRY_OVERHEAD_BYTES;
}

/** Most that a community may count for beside its entries. */
const COMMUNITY_BYTES_MAX = 512;

/** Every entry of a cache as `[community, key, stored]`. An entry may be in both generations only if it were counted twice. */
function entriesOf(cache) {
	return [cache.young, cache.old].flatMap(({ defaultScope, communities }) =>
		[[undefined, defaultScope], ...communities].flatMap(([community, scope]) =>
			[...scope].map(([key, stored]) => [community, key, stored]),
		),
	);
}

const community = fc.constantFrom(undefined, "a", "community-b");
const key = fc.constantFrom("a", "b", "longer key", ...Array.from({ length: 12 }, (_, n) => `key ${n}`));
const text = fc.option(
	fc.oneof({ weight: 6, arbitrary: fc.nat(60) }, fc.nat(1_500)).map((length) => "x".repeat(length)),
	{ nil: undefined },
);
const expiresAt = fc.option(fc.nat(9), { nil: undefined });
const operation = fc.oneof(
	{ weight: 5, arbitrary: fc.record({ kind: fc.constant("set"), community, key, text, expiresAt }) },
	{ weight: 5, arbitrary: fc.record({ kind: fc.constant("get"), community, key }) },
	{ weight: 2, arbitrary: fc.record({ kind: fc.constant("delete"), community, key }) },
	fc.record({ kind: fc.constant("clear") }),
);

test("it is never larger than its limit, returns what was last set, and keeps what was used recently", () => {
	const limits = fc.constantFrom(0, 1, 300, 1_000, 2_000, 5_000, 20_000);
	const operations = fc.array(operation, { maxLength: 120, size: "max" });
	fc.assert(
		fc.property(limits, operations, (limit, list) => {
			const cache = new ReadCache(limit);
			/** The model: what was last set, and how much was used since each entry was. */
			const model = new Map();
			function use(id) {
				const used = model.get(id);
				// An entry that does not fit for certain is not kept, and takes no place.
				if (used.least > limit / 2) return;
				for (const entry of model.values()) entry.usedSince += used.most;
				used.usedSince = used.most;
			}
			for (const { kind, ...one } of list) {
				const id = JSON.stringify([one.community ?? null, one.key]);
				if (kind === "clear") {
					cache.clear();
					model.clear();
				} else if (kind === "delete") {
					cache.delete(one.community, one.key);
					model.delete(id);
				} else if (kind === "set") {
					const stored = { text: one.text, expiresAt: one.expiresAt };
					const least = bytesOf(one.community, one.key, one.text);
					const most = least + (one.community ? COMMUNITY_BYTES_MAX : 0);
					cache.set(one.community, one.key, stored);
					model.set(id, { stored, least, most, usedSince: Number.POSITIVE_INFINITY });
					use(id);
				} else {
					const found = cache.get(one.community, one.key);
					const expected = model.get(id);
					if (found !== undefined) {
						expect(found).toEqual(expected?.stored);
						use(id);
					} else if (expected) {
						expect(expected.usedSince).toBeGreaterThan(limit / 2);
						model.delete(id);
					}
				}
				const entries = entriesOf(cache);
				const ids = entries.map(([community, key]) => JSON.stringify([community ?? null, key]));
				expect(new Set(ids).size).toBe(ids.length);
				const total = entries.reduce((sum, [community, key, stored]) => sum + bytesOf(community, key, stored.text), 0);
				expect(total).toBeLessThanOrEqual(limit);
				expect(cache.young.bytes + cache.old.bytes).toBeGreaterThanOrEqual(total);
				expect(cache.young.bytes + cache.old.bytes).toBeLessThanOrEqual(limit);
			}
		}),
		{ numRuns: RUNS },
	);
}, 300_000);

test("an entry that is used again and again outlives any number of others", () => {
	const cache = new ReadCache(20_000);
	cache.set(undefined, "used", { text: "1", expiresAt: undefined });
	for (let n = 0; n < 10_000; n++) {
		cache.set("c", `other ${n}`, { text: "x".repeat(n % 200), expiresAt: undefined });
		if (n % 10 === 0) expect(cache.get(undefined, "used")).toEqual({ text: "1", expiresAt: undefined });
	}
	expect(cache.get("c", "other 0")).toBe(undefined);
});

test("communities that have come and gone leave nothing behind", () => {
	const cache = new ReadCache(10_000);
	for (let n = 0; n < 10_000; n++) {
		cache.set(`c${n}`, "k", { text: "1", expiresAt: undefined });
		cache.set(`c${n}`, "k", { text: "x".repeat(10_000), expiresAt: undefined });
	}
	expect(cache.young.communities.size + cache.old.communities.size).toBeLessThan(100);
});
