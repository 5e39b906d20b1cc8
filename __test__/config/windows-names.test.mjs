// Names of files that Windows takes for something else: refused there, and nowhere else.

import { createRequire } from "node:module";
import { join } from "node:path";
import { openDataStore } from "rootcellar";
import { afterEach, describe, expect, test, vi } from "vitest";
import { temporaryDirectory } from "../helpers/store.mjs";

const require = createRequire(import.meta.url);
const { outputAt } = require("../../lib/cli/files.js");
const { locationFromOption, locationFromEnvironment } = require("../../lib/config/location.js");

const TAKEN_FOR_OTHERS = [
	"NUL",
	"nul.sqlite3",
	"data/COM1.db",
	"C:\\bots\\aux.sqlite3",
	"lpt9",
	"com\u00b9.sqlite3",
	"CONIN$",
	"nul .sqlite3",
	"bot:1.sqlite3",
	"data/what?.sqlite3",
	'"bot".sqlite3',
	"C:\\bots\\a|b",
	"bot.sqlite3.",
	"bot.sqlite3 ",
];
const PLAIN = [
	"bot.sqlite3",
	"C:\\bots\\bot.sqlite3",
	"C:bot.sqlite3",
	"\\\\?\\C:\\bots\\bot.db",
	"null.sqlite3",
	"com10",
	"con fig.sqlite3",
];

const configOf = (filename) => ({
	DATABASE_CONFIG: JSON.stringify({ databaseType: "sqlite3", sqlite3: { filename } }),
});

afterEach(() => vi.unstubAllGlobals());

/** Pretends to be another system. */
function on(platform) {
	vi.stubGlobal("process", Object.create(process, { platform: { value: platform } }));
}

describe("on Windows", () => {
	test.each(TAKEN_FOR_OTHERS)("%s is refused", (filename) => {
		on("win32");
		expect(() => locationFromOption(filename)).toThrow(
			expect.objectContaining({ code: "ERR_INVALID_ARGUMENT", argument: "options.filename" }),
		);
		expect(() => locationFromEnvironment(configOf(filename))).toThrow(
			expect.objectContaining({ code: "ERR_INVALID_CONFIG", message: expect.stringContaining("must not have a name") }),
		);
	});

	test.each([...PLAIN, ":memory:"])("%s is taken", (filename) => {
		on("win32");
		expect(locationFromOption(filename).filename).toBe(filename);
	});
});

test("no other file is made of such a name either", async () => {
	const store = openDataStore({ filename: join(temporaryDirectory(), "bot.sqlite3"), backup: { quiet: true } });
	await store.appData.set({ key: "k", value: 1 });
	await store.backups.create();
	for (const name of TAKEN_FOR_OTHERS) {
		vi.unstubAllGlobals();
		const to = join(temporaryDirectory(), name);
		on("win32");
		await expect(async () => store.backups.restore({ to })).rejects.toMatchObject({
			code: "ERR_INVALID_ARGUMENT",
			argument: "options.to",
		});
		expect(() => outputAt(to, {}, false)).toThrow(expect.objectContaining({ code: "ERR_NOT_A_FILE" }));
	}
	vi.unstubAllGlobals();
	await store.close();
});

test.each(TAKEN_FOR_OTHERS)("elsewhere %s is a name like any other", (filename) => {
	on("linux");
	expect(locationFromOption(filename).filename).toBe(filename);
});
