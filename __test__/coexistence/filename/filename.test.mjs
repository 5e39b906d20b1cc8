// "Any library you prefer": what Root's documentation offers for `dataStore.config.sqlite3.filename` keeps working in a
// process that keeps its keys in this store. Each library has a process of its own, as in a bot.

import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { raw } from "../../helpers/raw.mjs";
import { temporaryFile, temporaryStore } from "../../helpers/store.mjs";
import { libraries } from "./libraries.mjs";
import { generatePrismaClient } from "./prisma.mjs";

const PROGRAM = fileURLToPath(new URL("program.mjs", import.meta.url));
const COUNT = 50;
const TIME_LIMIT_MS = 300_000;

const numbered = (prefix) => Array.from({ length: COUNT }, (_, index) => `${prefix} ${index}`);
const NOTES = [...numbered("note"), "together 1", "together 2", "ours"];
const KEYS = ["before", ...numbered("beside")].sort();
const LATER_KEYS = [...numbered("while closing"), ...numbered("after")];

const folder = await mkdtemp(join(tmpdir(), "rootcellar-filename-"));
let prismaClient;
beforeAll(async () => {
	prismaClient = await generatePrismaClient(folder);
}, TIME_LIMIT_MS);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the bot with a library on a file, and resolves with what it printed. */
async function runBot(name, filename) {
	const argument = JSON.stringify({ name, argument: name === "Prisma" ? prismaClient : undefined, count: COUNT });
	const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, argument], {
		env: { ...process.env, DATABASE_CONFIG: JSON.stringify({ databaseType: "sqlite3", sqlite3: { filename } }) },
	});
	return JSON.parse(stdout);
}

describe.each(Object.keys(libraries))("beside the store, on the file that it names, %s", (name) => {
	test(
		"writes and reads, and loses nothing of its own or of the store's",
		async () => {
			const filename = temporaryFile();
			const report = await runBot(name, filename);
			expect(report.refusal).toContain("NOT NULL constraint failed");
			expect(report.warnings).toEqual([]);
			for (const texts of [report.texts, report.textsOfStore]) expect(texts).toEqual(NOTES);
			for (const keys of [report.keys, report.keysOfStore]) expect(keys).toEqual(KEYS);

			expect(await raw(filename, "PRAGMA integrity_check")).toEqual([{ integrity_check: "ok" }]);
			const { appData, sqlite } = temporaryStore(filename);
			expect((await appData.select("%")).map(({ key }) => key).sort()).toEqual([...KEYS, ...LATER_KEYS].sort());
			const notes = await sqlite.all("SELECT text FROM notes ORDER BY id");
			expect(notes.map(({ text }) => text)).toEqual(NOTES);
		},
		TIME_LIMIT_MS,
	);
});
