// Names of files that Windows takes for something else: refused there, and nowhere else.

import { createRequire } from "node:module";
import { afterEach, describe, expect, test, vi } from "vitest";

const require = createRequire(import.meta.url);
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

test.each(TAKEN_FOR_OTHERS)("elsewhere %s is a name like any other", (filename) => {
	on("linux");
	expect(locationFromOption(filename).filename).toBe(filename);
});
