// Rootcellar beside another SQLite library in the same process. Each run is a process of its own (or several), which
// writes the file from both sides and keeps a ledger of what was acknowledged.

import { describe, expect, test } from "vitest";
import { rounds } from "../helpers/rounds.mjs";
import { DURATION_MS, runTogether } from "./run.mjs";

/** Knex has the SQLite of sqlite3, and for node:sqlite another version of Node is needed. */
const LIBRARIES = ["sqlite3", "better-sqlite3", ...rounds({ few: [], many: ["knex", "node:sqlite"] })];
const TIMEOUT_MS = 600_000 + 10 * DURATION_MS;
const { format } = new Intl.NumberFormat("en-US");

/** How another library syncs what it writes. */
const SYNCHRONOUS = rounds({ few: ["NORMAL"], many: ["NORMAL", "FULL"] });

/** Runs beside each library: title, journal mode, and processes, of which the first holds both libraries. */
const RUNS = [
	...SYNCHRONOUS.flatMap((synchronous) => [
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
