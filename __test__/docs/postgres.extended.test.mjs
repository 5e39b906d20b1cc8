// docs/postgres.md and docs/scaling.md: the programs run.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDatabase } from "../helpers/postgres.mjs";
import { examplesOf, newProject, root, runExample } from "./examples.mjs";

const page = (name) => readFileSync(join(root, "docs", name), "utf8");

test("the transaction of docs/postgres.md commits its row and its key together", async () => {
	const { config, query } = await temporaryDatabase();
	await query("CREATE TABLE items (id int PRIMARY KEY, price int)");
	await query("INSERT INTO items VALUES (7, 30)");
	const [example] = examplesOf(page("postgres.md"), "ts");
	const program = `${example}console.log(await dataStore.appData.get("coins:42"));\n`;
	const { stdout, stderr } = await runExample(program, newProject(), { DATABASE_CONFIG: config });
	expect(stderr).toBe("");
	expect(stdout).toBe("-30\n");
});

test("the program of docs/scaling.md measures a server, and leaves nothing there", async () => {
	const { config, query } = await temporaryDatabase();
	const [example] = examplesOf(page("scaling.md"), "js");
	const quick = example
		.replace("seconds = 3", "seconds = 0.2")
		.replaceAll("async function rate(inFlight", "async function rate(inFlight: number");
	const { stdout, stderr } = await runExample(quick, newProject(), { DATABASE_CONFIG: config });
	expect(stderr).toBe("");
	expect(stdout).toMatch(/^c: [\d.]+ ms, w: -?[\d.]+ us\n100 in flight: -?\d+ a second expected, \d+ found\n$/);
	expect(await query("SELECT FROM __rootapp_kv")).toEqual([]);
});

test("every fenced configuration is JSON", () => {
	const found = examplesOf(page("postgres.md"), "json").map((text) => JSON.parse(text));
	expect(found.length).toBeGreaterThanOrEqual(3);
	for (const { databaseType } of found) expect(databaseType).toBe("pg");
});
