// A bot that keeps notes with another library in the file that its store names, and what there has to be then.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect } from "vitest";
import { raw } from "../../helpers/raw.mjs";
import { temporaryFile, temporaryStore } from "../../helpers/store.mjs";

const PROGRAM = fileURLToPath(new URL("program.mjs", import.meta.url));
const COUNT = 50;

const numbered = (prefix) => Array.from({ length: COUNT }, (_, index) => `${prefix} ${index}`);
const NOTES = [...numbered("note"), "together 1", "together 2", "ours"];
const KEYS = ["before", ...numbered("beside")].sort();
const LATER_KEYS = [...numbered("while closing"), ...numbered("after")];

/** Runs the bot with a library on a file, and resolves with what it printed. */
async function runBot(name, filename, argument) {
	const { stdout } = await promisify(execFile)(
		process.execPath,
		[PROGRAM, JSON.stringify({ name, argument, count: COUNT })],
		{
			env: { ...process.env, DATABASE_CONFIG: JSON.stringify({ databaseType: "sqlite3", sqlite3: { filename } }) },
		},
	);
	return JSON.parse(stdout);
}

/** Both have everything that they wrote, and see what the other wrote. `argument` is for the library's `open`. */
export async function expectNothingLost(name, argument) {
	const filename = temporaryFile();
	const report = await runBot(name, filename, argument);
	expect(report.refusal).toContain("NOT NULL constraint failed");
	expect(report.warnings).toEqual([]);
	for (const texts of [report.texts, report.textsOfStore]) expect(texts).toEqual(NOTES);
	for (const keys of [report.keys, report.keysOfStore]) expect(keys).toEqual(KEYS);

	expect(await raw(filename, "PRAGMA integrity_check")).toEqual([{ integrity_check: "ok" }]);
	const { appData, sqlite } = temporaryStore(filename);
	expect((await appData.select("%")).map(({ key }) => key).sort()).toEqual([...KEYS, ...LATER_KEYS].sort());
	const notes = await sqlite.all("SELECT text FROM notes ORDER BY id");
	expect(notes.map(({ text }) => text)).toEqual(NOTES);
}
