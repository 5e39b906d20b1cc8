// Two other copies of SQLite in one process take each other's locks away, and the store's: it warns of them.

import { describe, expect, test } from "vitest";
import { warningsOf } from "./run.mjs";

describe.concurrent("two other copies of SQLite", () => {
	test("that have the file open are named in one warning", async () => {
		const warnings = await warningsOf({ libraries: ["sqlite3", "better-sqlite3"] });
		expect(warnings).toHaveLength(1);
		expect(warnings[0].code).toBe("ROOTCELLAR_FOREIGN_SQLITE");
		expect(warnings[0].message).toContain("sqlite3 and better-sqlite3");
		expect(warnings[0].message).toContain("store.sqlite3");
	});

	test("that have only another file open are no reason to warn", async () => {
		expect(await warningsOf({ libraries: [], loaded: ["sqlite3", "better-sqlite3"] })).toEqual([]);
	});

	test.each(["sqlite3", "better-sqlite3", "knex"])("are needed for a warning: %s alone is none", async (library) => {
		expect(await warningsOf({ libraries: [library] })).toEqual([]);
	});
});
