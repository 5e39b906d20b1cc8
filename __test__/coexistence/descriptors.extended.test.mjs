// Descriptors that the lock shim has to keep open are used again.

import { describe, expect, test } from "vitest";
import { runForJson, withFolder } from "./run.mjs";

describe.concurrent("descriptors do not grow over 1,000 times opening and closing", () => {
	/** Descriptors kept for reuse, over all files, and what Node itself has open. */
	const DESCRIPTORS_MAX = 100;

	test.each([
		["one file", { files: "one" }],
		["one file that sqlite3 has open", { files: "one", library: "sqlite3" }],
		["a new file each time, deleted afterwards", { files: "deleted" }],
		[
			"a new file each time, deleted afterwards, with better-sqlite3 on each",
			{ files: "deleted", library: "better-sqlite3" },
		],
		["a new file each time that stays", { files: "kept" }],
	])("%s", { timeout: 600_000 }, async (title, options) => {
		const most = await withFolder((folder) => runForJson("descriptors.mjs", { folder, ...options }));
		expect(most).toHaveLength(10);
		expect(Math.max(...most)).toBeLessThan(DESCRIPTORS_MAX);
		expect(most.at(-1)).toBeLessThanOrEqual(most[0] + 2);
		console.log(`coexistence descriptors, ${title}: ${most[0]} in the first hundred, ${most.at(-1)} in the last`);
	});
});
