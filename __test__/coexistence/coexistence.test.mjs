// Rootcellar beside another SQLite library in the same process. Each run is a process of its own (or several), which
// writes the file from both sides and keeps a ledger of what was acknowledged.

import { describe, expect, test } from "vitest";
import { DURATION_MS, runForJson, runTogether, withFolder } from "./run.mjs";

const LIBRARIES = ["sqlite3", "better-sqlite3", "knex", "node:sqlite"];
const TIMEOUT_MS = 600_000 + 10 * DURATION_MS;
const { format } = new Intl.NumberFormat("en-US");

/** What is run beside each library: the journal mode, and the processes, the first of which is both of them in one. */
const RUNS = [
	...["NORMAL", "FULL"].flatMap((synchronous) => [
		[`in write-ahead mode, synchronous ${synchronous}`, "wal", [{ synchronous }]],
		[`in rollback mode, synchronous ${synchronous}`, "rollback", [{ synchronous }, { library: "sqlite3" }]],
		[`while the journal mode is switched, synchronous ${synchronous}`, "switching", [{ synchronous }]],
	]),
	["while rootcellar opens and closes its store", "wal", [{ openMs: 100 }]],
	["with two more processes", "wal", [{ openMs: 300 }, { own: true, openMs: 300 }, { library: "sqlite3" }]],
	["with two more processes, the journal mode is switched", "switching", [{}, { own: true }, { library: "sqlite3" }]],
];

describe.concurrent.each(LIBRARIES)("beside %s in one process nothing is lost or damaged", (library) => {
	test.each(RUNS)("%s", { timeout: TIMEOUT_MS }, async (title, journal, [first, ...others]) => {
		const mustSwitch = journal === "switching" && others.length === 0;
		const processes = [{ own: true, library, mustSwitch, ...first }, ...others];
		const { reports, problems } = await runTogether(processes, { journal });
		expect(problems).toEqual([]);
		expect(reports.flatMap((report) => report.warnings)).toEqual([]);
		for (const [index, { acknowledged }] of reports.entries()) {
			if (processes[index].own) expect(acknowledged.own).toBeGreaterThan(0);
			if (processes[index].library) expect(acknowledged.foreign).toBeGreaterThan(0);
		}
		if (journal === "rollback") expect(reports[0].wasInRollbackMode).toBe(true);
		if (mustSwitch) expect(reports[0].switches.delete).toBeGreaterThan(0);
		console.log(`coexistence beside ${library}, ${title}: nothing lost or damaged; ${figures(reports)}`);
	});
});

function figures(reports) {
	const sum = (count) => format(reports.reduce((total, report) => total + count(report), 0));
	const [{ switches }] = reports;
	return [
		`${sum((report) => report.acknowledged.own)} writes of rootcellar, ${sum((report) => report.busy.own)} busy`,
		`${sum((report) => report.acknowledged.foreign)} writes of the other, ${sum((report) => report.busy.foreign)} busy`,
		`${sum((report) => report.checkpoints)} checkpoints`,
		...(switches ? [`${switches.delete} switches to rollback mode, ${switches.wal} to write-ahead mode`] : []),
		`${DURATION_MS / 1_000} s`,
	].join(", ");
}

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
		{ timeout: TIMEOUT_MS },
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
	])("%s", { timeout: TIMEOUT_MS }, async (title, options) => {
		const most = await withFolder((folder) => runForJson("descriptors.mjs", { folder, ...options }));
		expect(most).toHaveLength(10);
		expect(Math.max(...most)).toBeLessThan(DESCRIPTORS_MAX);
		expect(most.at(-1)).toBeLessThanOrEqual(most[0] + 2);
		console.log(`coexistence descriptors, ${title}: ${most[0]} in the first hundred, ${most.at(-1)} in the last`);
	});
});

describe.concurrent("two other copies of SQLite", () => {
	const warningsOf = (options, settings) =>
		withFolder((folder) => runForJson("two-copies.mjs", { filename: `${folder}/store.sqlite3`, ...options }, settings));

	test("that have the file open are named in one warning", async () => {
		const warnings = await warningsOf({ libraries: ["sqlite3", "better-sqlite3"] });
		expect(warnings).toHaveLength(1);
		expect(warnings[0].code).toBe("ROOTCELLAR_FOREIGN_SQLITE");
		expect(warnings[0].message).toContain("sqlite3 and better-sqlite3");
		expect(warnings[0].message).toContain("store.sqlite3");
	});

	test("of which one is node:sqlite are named too", async () => {
		const libraries = ["sqlite3", "node:sqlite"];
		const warnings = await warningsOf({ libraries }, { library: "node:sqlite" });
		expect(warnings).toHaveLength(1);
		expect(warnings[0].message).toContain("sqlite3 and node:sqlite");
	});

	test("that have only another file open are no reason to warn", async () => {
		expect(await warningsOf({ libraries: [], loaded: ["sqlite3", "better-sqlite3"] })).toEqual([]);
	});

	test.each(LIBRARIES)("are needed for a warning: %s alone is none", async (library) => {
		expect(await warningsOf({ libraries: [library] }, { library })).toEqual([]);
	});
});
