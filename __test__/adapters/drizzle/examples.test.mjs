// The examples that Drizzle publishes in its documentation comments, each run on its own driver for better-sqlite3 and on
// ours: the same queries, results, errors and contents of the file.

import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import * as orm from "drizzle-orm";
import { drizzle as drizzleBetterSqlite3 } from "drizzle-orm/better-sqlite3";
import * as core from "drizzle-orm/sqlite-core";
import { openDataStore } from "rootcellar";
import { drizzle } from "rootcellar/drizzle";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { compatibility } from "../../docs/compatibility.mjs";
import { temporaryFile, temporaryStore } from "../../helpers/store.mjs";
import { compileExamples, publishedExamples, TABLES_SQL, tables } from "./published.mjs";

const { version } = JSON.parse(
	readFileSync(new URL("../../../node_modules/drizzle-orm/package.json", import.meta.url)),
);

/** Names that an example may use without importing them. */
const GIVEN = { ...core, ...orm, ...tables };

const folder = mkdtempSync(join(tmpdir(), "rootcellar-drizzle-"));
const template = join(folder, "template.sqlite3");
const used = publishedExamples();
const words = new Set(used.flatMap(({ source }) => source.match(/\b[a-z]\w*/gi)));
const given = ["db", ...Object.keys(GIVEN).filter((name) => words.has(name))];
const examples = await compileExamples(used, given, folder);

beforeAll(async () => {
	const store = openDataStore({ filename: template, backup: false });
	await store.sqlite.exec(TABLES_SQL);
	await store.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Both drivers, each as a function that opens a file with a logger. */
const DRIVERS = {
	original(filename, config) {
		const file = new Database(filename);
		onTestFinished(() => file.close());
		return drizzleBetterSqlite3(file, config);
	},
	ours: (filename, config) => drizzle(temporaryStore(filename), config),
};

/** Runs an example on a copy of the file, and resolves with all that it did. */
async function observe(run, open) {
	const filename = temporaryFile();
	copyFileSync(template, filename);
	const queries = [];
	const db = open(filename, { logger: { logQuery: (text, params) => queries.push([text, params]) } });
	const results = [];
	const keep = async (query) => {
		const result = await query;
		const { changes } = result;
		results.push(changes === undefined ? result : { changes });
		return result;
	};
	const error = await run({ ...GIVEN, db }, keep).then(
		() => undefined,
		(thrown) => (thrown.cause ?? thrown).message.replace(/, at line .*$/s, ""),
	);
	return { queries, results, error, cars: await db.select().from(tables.cars) };
}

describe("the examples that Drizzle publishes, on its own driver and on ours", () => {
	const counts = { alike: 0, queries: 0, failAlike: [] };
	afterAll(() => {
		console.log(
			`Drizzle ${version}, its published examples: ${counts.alike} of ${examples.length} do the same on both, with ` +
				`${counts.queries} queries; ${counts.failAlike.length} of them fail alike: ${counts.failAlike.join(", ")}`,
		);
	});

	test("are as many as docs/compatibility.md says", () => {
		expect(compatibility).toContain(`${examples.length} of ${examples.length} do the same on both`);
	});

	test.each(examples)("do the same: $name", async ({ name, run }) => {
		const expected = await observe(run, DRIVERS.original);
		expect(expected.results.length > 0 || expected.error !== undefined).toBe(true);
		const { queries, ...seen } = await observe(run, DRIVERS.ours);
		expect(seen).toStrictEqual({ results: expected.results, error: expected.error, cars: expected.cars });
		// better-sqlite3 prepares a statement, and fails, before it logs it.
		if (expected.error === undefined) expect(queries).toStrictEqual(expected.queries);
		counts.alike++;
		counts.queries += expected.results.length;
		if (expected.error !== undefined) counts.failAlike.push(name);
	});
});
