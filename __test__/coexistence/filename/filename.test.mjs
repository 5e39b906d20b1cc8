// "Any library you prefer": what Root's documentation offers for `dataStore.config.sqlite3.filename` keeps working in a
// process that keeps its keys in this store. Each library has a process of its own, as in a bot.

import { describe, test } from "vitest";
import { expectNothingLost } from "./beside.mjs";

const LIBRARIES = ["sqlite3", "better-sqlite3", "Knex with sqlite3", "Knex with better-sqlite3"];

describe.each(LIBRARIES)("beside the store, on the file that it names, %s", (name) => {
	test("writes and reads, and loses nothing of its own or of the store's", () => expectNothingLost(name));
});
