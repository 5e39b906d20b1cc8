// rootcellar/knex does what Knex does on its own drivers: every scenario runs on each and on ours, and what it saw must
// be the same.

import { createRequire } from "node:module";
import knex from "knex";
import RootcellarClient from "rootcellar/knex";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { compatibility } from "../../docs/compatibility.mjs";
import { temporaryDirectory, temporaryFile, temporaryStore } from "../../helpers/store.mjs";
import { scenarios as migrations } from "./migrations.mjs";
import { scenarios as queries } from "./queries.mjs";
import { scenarios as schema } from "./schema.mjs";
import { scenarios as transactions } from "./transactions.mjs";

const AREAS = { "the schema builder": schema, queries, transactions, "migrations and seeds": migrations };

const silent = { warn() {}, error() {}, deprecate() {}, debug() {} };

/** As on ours, foreign keys are on; and nothing of the originals needs to last. */
const LIKE_OURS = ["PRAGMA foreign_keys = ON", "PRAGMA synchronous = OFF", "PRAGMA journal_mode = MEMORY"];

const afterCreate = {
	sqlite3: (connection, done) => connection.exec(LIKE_OURS.join(";"), (error) => done(error, connection)),
	"better-sqlite3": (connection, done) => done(null, connection.exec(LIKE_OURS.join(";"))),
};

/** Knex on one of its drivers, or on a store of ours. */
function connect(driver) {
	const settings = { useNullAsDefault: true, log: silent };
	const db =
		driver === "rootcellar"
			? knex({ ...settings, client: RootcellarClient, connection: { dataStore: temporaryStore() } })
			: knex({
					...settings,
					client: driver,
					connection: { filename: temporaryFile() },
					pool: { afterCreate: afterCreate[driver] },
				});
	onTestFinished(() => db.destroy());
	return db;
}

/** The comparable part of a failure: `sqlite3` puts the code before SQLite's message, and ours tells the place. */
async function failure(promise) {
	const error = await Promise.resolve(promise).then(
		() => undefined,
		(reason) => reason,
	);
	if (error === undefined) throw new Error("it was expected to fail");
	return error.message
		.replace(/SQLITE_[A-Z]+: /, "")
		.replace(/, at line \d+, column \d+: .*$/s, "")
		.replace(/_knex_temp_alter\d+/g, "_knex_temp_alter");
}

async function outcomeOf(scenario, driver) {
	return scenario(connect(driver), failure, temporaryDirectory());
}

const passed = { sqlite3: 0, "better-sqlite3": 0 };
const total = Object.values(AREAS).flat().length;

afterAll(() => {
	const counts = Object.entries(passed).map(([driver, count]) => `${count} of ${total} as on ${driver}`);
	console.log(`Knex ${createRequire(import.meta.url)("knex/package.json").version}: ${counts.join(", ")}`);
});

test("docs/compatibility.md says how many scenarios there are", () => {
	expect(compatibility).toContain(`${total} scenarios written after Knex's documentation`);
	expect(compatibility).toContain(`All ${total} see the same as on either`);
});

describe("the same as Knex on sqlite3 and on better-sqlite3", () => {
	describe.each(Object.entries(AREAS))("%s", (_, scenarios) => {
		test.each(scenarios)("%s", async (_name, scenario) => {
			const ours = await outcomeOf(scenario, "rootcellar");
			expect(ours).toBeDefined();
			for (const driver of Object.keys(passed)) {
				expect(ours, `as on ${driver}`).toEqual(await outcomeOf(scenario, driver));
				passed[driver]++;
			}
		});
	});
});
