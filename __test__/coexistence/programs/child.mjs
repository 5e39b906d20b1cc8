// One process of a run: rootcellar, or another SQLite library, or both on the same file. Writes its ledger, as JSON,
// to a file when it is over.
//
// The argument is JSON: `filename`, `reportTo`, `name` and `process` (a number) that no other process of the run has,
// `durationMs`, `own` (whether rootcellar takes part), `library` (the other one, if any), `synchronous` (its setting,
// by default FULL), `journal`: "wal", "rollback" (the file is in that mode and, for the most part, stays in it) or
// "switching", `mustSwitch`: whether the mode has to have been switched before it is over, and `openMs`: how long
// rootcellar keeps its store open, without which it does so until the end.

import { existsSync, writeFileSync } from "node:fs";
import { openDataStore } from "rootcellar";
import { holdingReadLock, journalModeOf, switchJournalMode, switchTo, writeWithForeign } from "../foreign.mjs";
import { Ledger } from "../ledger.mjs";
import { writeWithRootcellar } from "../own.mjs";
import { Door, sleep, takeBreaks } from "../pace.mjs";

const options = JSON.parse(process.argv[2]);
const { filename, durationMs, own, library, journal, mustSwitch, openMs, reportTo } = options;
/** Extra time that a process has on a busy machine to do everything once. */
const LATE_MS_MAX = 60_000;
const ledger = new Ledger();
let deadline;

function hasDoneEverything() {
	const { acknowledged, switches } = ledger;
	const hasWritten = (!own || acknowledged.own > 0) && (!library || acknowledged.foreign > 0);
	return hasWritten && (!mustSwitch || switches?.delete > 0);
}

function isOver() {
	const lateMs = Date.now() - deadline;
	return ledger.errors.length > 4 || (lateMs >= 0 && (hasDoneEverything() || lateMs > LATE_MS_MAX));
}

const run = { ...options, ledger, door: new Door(), isOver };
const warnings = [];
process.on("warning", ({ code, message }) => {
	if (code?.startsWith("ROOTCELLAR_")) warnings.push(`${code}: ${message}`);
});

const opened = [];
if (own && library && journal === "rollback") {
	await holdingReadLock(run, async () => {
		const store = openDataStore({ filename, backup: false });
		// Rootcellar would switch the file to write-ahead mode, tries as long as it waits for any lock, then goes on.
		await store.appData.get("");
		// Whoever else opens the file in this process shares what is open.
		opened.push(store);
	});
	writeFileSync(`${filename}.ready`, "");
}
while (journal === "rollback" && !existsSync(`${filename}.ready`)) await sleep(10);

deadline = Date.now() + durationMs;
const sides = [];
// In rollback mode a commit takes several times as long, and nobody else gets the lock if it is followed by another.
if (own) sides.push(writeWithRootcellar(run, { openMs, pauseMs: journal === "rollback" ? 60 : 4 }));
if (library) sides.push(writeWithForeign(run, { keepsOpen: journal !== "switching" }));
if (journal === "switching") sides.push(library && own ? switchJournalMode(run) : takeBreaks(run));
if (library && own && journal === "rollback") {
	await sleep(durationMs * 0.7);
	ledger.wasInRollbackMode = (await journalModeOf(run)) === "delete";
	await switchTo(run, "wal");
}
await Promise.all(sides);
for (const store of opened) await store.close();
writeFileSync(reportTo, JSON.stringify({ ...ledger.report(), warnings }));
