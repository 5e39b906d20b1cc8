// The examples of SQL in index.d.ts and docs/sql.md: they compile, and they run one after the other.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { examplesOf, partOfDeclarations, root, runExample } from "./examples.mjs";

const page = readFileSync(join(root, "docs/sql.md"), "utf8");
const ofPage = examplesOf(page, "ts");

/** The part of index.d.ts about SQL, and the examples in it. */
const { part: sqlPart, examples } = partOfDeclarations(
	"A value that a parameter of a statement takes",
	"The location of a file, in the format of",
);

/** Imports and tables that the examples take for granted. */
const TABLES = `await dataStore.sqlite.exec(\`
	CREATE TABLE players (id INTEGER PRIMARY KEY, name TEXT UNIQUE, level INTEGER DEFAULT 1);
	CREATE TABLE log (day INTEGER, text TEXT);
\`);\n`;

describe("index.d.ts", () => {
	test("has an example of each method and type of SQL", () => {
		const types = [...sqlPart.matchAll(/^export (?:type|interface) (\w+)/gm)].map(([, name]) => name);
		expect(types.length).toBeGreaterThanOrEqual(13);
		expect(examples.length).toBeGreaterThanOrEqual(types.length + 8);
	});

	test("has examples that compile and run", async () => {
		const imports = `import { dataStore } from "rootcellar";
			import type { BatchStatement, Connection, RunResult, SqlOptions, SqlRow, SqlRowOptions, SqlValue, Sqlite,
				StoreTransaction, Transaction, TransactionOptions } from "rootcellar";\n`;
		const blocks = examples.map((source) => `{\n${source}}\n`).join("");
		// The examples write the same names, so that each starts with none.
		const fresh = blocks.replaceAll(
			/^\{$/gm,
			'{\nawait dataStore.sqlite.exec("DELETE FROM players; DELETE FROM log");',
		);
		const { stderr } = await runExample(`${imports}${TABLES}${fresh}await dataStore.close();\n`);
		expect(stderr).toBe("");
	}, 300_000);
});

describe("docs/sql.md", () => {
	test("has examples that compile and run, one after the other", async () => {
		expect(ofPage.length).toBeGreaterThanOrEqual(3);
		const source = ofPage.map((example) => example.replace(/^import .*$/m, "")).join("");
		const { stderr } = await runExample(`import { dataStore } from "rootcellar";\n${source}await dataStore.close();\n`);
		expect(stderr).toBe("");
	}, 300_000);

	test("names every method of dataStore.sqlite", () => {
		const methods = [...sqlPart.matchAll(/^\t(\w+)(?:<[^(]*>)?\(/gm)].map(([, name]) => name);
		for (const name of new Set(methods))
			expect(page, name).toContain(`${name}(`.replace("sql(", "sql`").replace("finalize(", "prepare("));
	});
});
