// Memory of the read cache, measured in processes of their own.

import { expect, test } from "vitest";
import { rounds } from "../helpers/rounds.mjs";
import { temporaryFile } from "../helpers/store.mjs";
import { runForJson } from "./run.mjs";

const KEYS = rounds({ few: 50_000, many: 100_000, long: 1_000_000 });
const CACHE_BYTES = rounds({ few: 8, many: 16, long: 64 }) << 20;
const COLLECTING = { flags: ["--expose-gc"] };

test("more keys than the cache holds take no more memory than its limit", async () => {
	const filename = temporaryFile();
	await runForJson("memory.mjs", ["fill", filename, KEYS, CACHE_BYTES]);
	const { limit, bare, read } = await runForJson("memory.mjs", ["read", filename, KEYS, CACHE_BYTES], COLLECTING);
	console.log(`${KEYS} keys, cache of ${limit} MiB: ${JSON.stringify({ bare, read })} MiB`);
	expect(read.live - bare.live).toBeLessThan(limit);
	// Less would mean that the cache was hardly used.
	expect(read.live - bare.live).toBeGreaterThan(limit / 3);
}, 300_000);

test.each(["keys cut out of long texts", "a community for each key"])(
	"%s take no more memory than its limit",
	async (what) => {
		const { limit, before, after } = await runForJson("bounds.mjs", [temporaryFile(), what], COLLECTING);
		// The difference has also what the collector leaves and the store itself takes.
		expect(after - before).toBeLessThan(limit + 1);
	},
	300_000,
);
