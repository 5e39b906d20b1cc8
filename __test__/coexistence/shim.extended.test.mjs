// The lock shim is what keeps another SQLite library in the same process from damaging the file: without it, it does.

import { describe, expect, test } from "vitest";
import { runTogether } from "./run.mjs";

describe.concurrent("without the lock shim", () => {
	// Rounds that end without damage, which is rare, or without an end, are repeated.
	const ROUNDS_MAX = 15;
	const DAMAGE = [
		/malformed|not a database|disk I\/O error|integrity_check/,
		/ended with SIG(BUS|SEGV)/,
		/acknowledged was|is not what was acknowledged|was not acknowledged/,
	];

	test.each(["sqlite3", "better-sqlite3"])(
		"%s and rootcellar damage the file",
		{ timeout: 600_000 },
		async (library) => {
			let damage;
			let round = 0;
			while (damage === undefined && round++ < ROUNDS_MAX) {
				const { problems } = await runTogether([{ own: true, library, synchronous: "NORMAL", durationMs: 1_500 }], {
					journal: "wal",
					env: { ROOTCELLAR_TEST_WITHOUT_LOCK_SHIM: "1" },
					timeoutMs: 15_000,
				});
				damage = problems.find((problem) => DAMAGE.some((pattern) => pattern.test(problem)));
				// A process that was ended has reported nothing, and then the file holds what nobody knows of.
				if (problems.some((problem) => problem.includes("SIGKILL"))) damage = undefined;
			}
			expect(damage).toBeDefined();
			console.log(`coexistence ${library} without the lock shim: damaged in round ${round}: ${damage.slice(0, 100)}`);
		},
	);
});
