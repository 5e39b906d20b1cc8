// Two other copies of SQLite in one process, of which one is the one that Node has built in.

import { expect, test } from "vitest";
import { warningsOf } from "./run.mjs";

const library = "node:sqlite";

test("node:sqlite and another copy that have the file open are named in one warning", async () => {
	const warnings = await warningsOf({ libraries: ["sqlite3", library] }, { library });
	expect(warnings).toHaveLength(1);
	expect(warnings[0].message).toContain("sqlite3 and node:sqlite");
});

test("node:sqlite alone is no reason to warn", async () => {
	expect(await warningsOf({ libraries: [library] }, { library })).toEqual([]);
});
