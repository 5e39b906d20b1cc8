// rootcellar/kysely does what Kysely does with its own SQLite dialect: every scenario runs on both, and what it saw and
// left in the file must be the same. The scenarios are ours, after Kysely's documentation; examples.extended.test.mjs runs
// Kysely's own examples.

import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { compatibility } from "../../docs/compatibility.mjs";
import { temporaryStore } from "../../helpers/store.mjs";
import { scenarios as queries } from "./queries.mjs";
import { scenarios as schema } from "./schema.mjs";
import { messageOf, sides, version } from "./side-by-side.mjs";
import { SCHEMA } from "./tables.mjs";
import { scenarios as transactions } from "./transactions.mjs";

const scenarios = [...queries, ...transactions, ...schema];

/** The comparable part of a failure. */
async function failure(promise) {
	const error = await Promise.resolve(promise).then(
		() => undefined,
		(reason) => reason,
	);
	if (error === undefined) throw new Error("it was expected to fail");
	return messageOf(error);
}

async function outcomeOf(scenario, side) {
	const { db } = await side.begin(SCHEMA);
	onTestFinished(() => db.destroy());
	const seen = await scenario(db, failure);
	return { seen, contents: await side.contents() };
}

let passed = 0;

afterAll(() => {
	console.log(`Kysely ${version}: ${passed} of ${scenarios.length} scenarios as on its SqliteDialect`);
});

test("docs/compatibility.md says how many scenarios there are", () => {
	expect(compatibility).toContain(`${scenarios.length} scenarios of our own`);
	expect(compatibility).toContain(`All ${scenarios.length} are alike`);
});

describe("the same as Kysely on its own dialect", () => {
	test.each(scenarios)("%s", async (_name, scenario) => {
		const expected = await outcomeOf(scenario, sides.original());
		const actual = await outcomeOf(scenario, sides.ours(temporaryStore()));
		expect(actual).toEqual(expected);
		passed++;
	});
});
