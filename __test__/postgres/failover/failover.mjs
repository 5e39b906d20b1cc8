// Acknowledged writes to a store, while the server under it comes and goes.

import { expect } from "vitest";

/**
 * Writes to a store until it is stopped. Each lane appends to a key of its own by `update`, and counts in another that all
 * share, so that a write that is lost or applied twice shows.
 */
export function startLoad({ appData, kv }, lanes) {
	let stopped = false;
	const acknowledged = Array.from({ length: lanes }, () => 0);
	let counted = 0;
	/** Writes whose outcome nobody knows. */
	const unknown = Array.from({ length: lanes }, () => 0);
	let unknownCounts = 0;
	const failures = [];
	let lastAt = performance.now();
	let longestGapMs = 0;

	function acknowledge() {
		const now = performance.now();
		longestGapMs = Math.max(longestGapMs, now - lastAt);
		lastAt = now;
	}

	async function lane(index) {
		let next = 0;
		while (!stopped) {
			try {
				await appData.set({ key: `lane:${index}:${next}`, value: next });
				acknowledged[index] = ++next;
				acknowledge();
			} catch (error) {
				if (error.code === "ERR_OUTCOME_UNKNOWN") unknown[index]++;
				else failures.push(error);
				next++;
			}
			try {
				await kv.increment("count");
				counted++;
			} catch (error) {
				if (error.code === "ERR_OUTCOME_UNKNOWN") unknownCounts++;
				else failures.push(error);
			}
		}
	}

	const ended = Promise.all(acknowledged.map((_, index) => lane(index)));
	return {
		get acknowledged() {
			return sum(acknowledged);
		},
		/** Stops, and gives what has become of every write. */
		async stop() {
			stopped = true;
			await ended;
			const writes = sum(acknowledged) + counted;
			const writesUnknown = sum(unknown) + unknownCounts;
			return { writes, writesUnknown, acknowledged, unknown, counted, unknownCounts, failures, longestGapMs };
		},
	};
}

const sum = (counts) => counts.reduce((total, n) => total + n, 0);

/** Every acknowledged write is there once, and nothing else but what may be. */
export async function expectExact({ appData, kv }, { acknowledged, unknown, counted, unknownCounts, failures }) {
	expect(failures.map(({ code, message }) => `${code}: ${message}`)).toEqual([]);
	const keys = new Set((await appData.select("lane:%")).map(({ key }) => key));
	let written = 0;
	for (const [index, count] of acknowledged.entries()) {
		if (unknown[index] > 0) continue;
		for (let n = 0; n < count; n++) expect(keys.has(`lane:${index}:${n}`), `lane:${index}:${n}`).toBe(true);
		written += count;
	}
	expect(keys.size).toBeGreaterThanOrEqual(written);
	const count = await kv.increment("count", 0);
	expect(count).toBeGreaterThanOrEqual(counted);
	expect(count).toBeLessThanOrEqual(counted + unknownCounts);
}
