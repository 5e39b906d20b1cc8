// Runs the published examples of Kysely on both sides, and prints what came of them as JSON: `node run-examples.mjs
// <folder>`. A process of its own, for some of them await nothing, and print.

import { writeSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { CompiledQuery, Migrator, sql } from "kysely";
import * as helpers from "kysely/helpers/sqlite";
import { openDataStore } from "rootcellar";
import { compileExamples, publishedExamples } from "./examples.mjs";
import { messageOf, sides } from "./side-by-side.mjs";

/** The tables of which the examples speak. */
const SCHEMA = `
	CREATE TABLE person (
		id INTEGER PRIMARY KEY AUTOINCREMENT, first_name TEXT, last_name TEXT, middle_name TEXT, nick_name TEXT, age INTEGER,
		gender TEXT, marital_status TEXT, children INTEGER, address TEXT, address_id INTEGER, created_at TEXT,
		updated_at TEXT, deleted_at TEXT, has_pets TEXT, is_active INTEGER, nicknames TEXT, birthdate TEXT,
		experience TEXT, preferences TEXT, profile TEXT, metadata TEXT, tags TEXT, nullable_column TEXT
	);
	CREATE TABLE pet (
		id INTEGER PRIMARY KEY, name TEXT UNIQUE, owner_id INTEGER, species TEXT, is_favorite INTEGER, age INTEGER
	);
	CREATE TABLE toy (id INTEGER PRIMARY KEY, name TEXT, pet_id INTEGER, price REAL);
	CREATE TABLE person_backup (id INTEGER PRIMARY KEY, first_name TEXT, last_name TEXT);
	CREATE TABLE company (id INTEGER PRIMARY KEY, name TEXT);
	INSERT INTO person (id, first_name, last_name, age, gender, address, profile, experience) VALUES
		(1, 'Jennifer', 'Aniston', 56, 'female', '{"city":"LA"}', '{"tags":["a","b"]}', '[{"title":"x"}]'),
		(2, 'Arnold', 'Schwarzenegger', 78, 'male', NULL, '{}', '[]'),
		(3, 'Sylvester', 'Stallone', 79, 'male', NULL, NULL, NULL);
	INSERT INTO pet (id, name, owner_id, species, is_favorite) VALUES
		(1, 'Catto', 1, 'cat', 1), (2, 'Doggo', 2, 'dog', 0), (3, 'Hammo', 3, 'hamster', 1), (4, 'Kitty', 1, 'cat', 0);
	INSERT INTO toy (id, name, pet_id, price) VALUES (1, 'Ball', 1, 2.5), (2, 'Bone', 2, 1);
`;

/** Error of Kysely's own driver for what ours takes: booleans and dates. */
const CANNOT_BIND = "SQLite3 can only bind numbers, strings, bigints, buffers, and null";

/** The differences that remain; docs/compatibility.md gives their reasons. */
const KNOWN = {
	"temporary tables outside of transactions": ({ actual }) =>
		/^what is temporary exists on one connection only/.test(actual.error),
	"UPDATE and DELETE with ORDER BY or LIMIT": ({ actual }) => /near "(limit|order)": syntax error/.test(actual.error),
	"text in double quotes that names no column": ({ expected }) =>
		/should this be a string literal/.test(expected.error),
	"whole numbers are bound as integers": ({ expected }) => /\("age" \+ \?\) \/ \?/.test(expected.trace[0]?.sql),
};

/** Runs an example on a side, on a file as the examples take for granted. */
async function outcomeOf(example, side) {
	// An example that makes a table begins without.
	const { db, trace } = await side.begin(/createTable\('(person|pet)'/.test(example.source) ? "" : SCHEMA);
	let error;
	try {
		await example.run({ db, sql, ...helpers, Migrator, CompiledQuery });
	} catch (failure) {
		error = messageOf(failure);
	}
	// Those that it did not wait for.
	do {
		await turn();
		await turn();
	} while (trace.some(({ isDone }) => !isDone));
	await db.destroy();
	return { trace, error, contents: await side.contents() };
}

process.on("unhandledRejection", () => {});
for (const method of ["log", "error"]) console[method] = () => {};
const [folder] = process.argv.slice(2);
const store = openDataStore({ filename: join(folder, "store.sqlite3"), backup: false });
const [original, ours] = [sides.original(), sides.ours(store)];
const counts = { alike: 0, alikeErrors: 0, bound: 0, withoutQuery: 0, notLoaded: 0 };
const known = {};
const differing = [];
for (const { reason, ...example } of await compileExamples(publishedExamples(), folder)) {
	if (reason !== undefined) {
		counts.notLoaded++;
		continue;
	}
	const expected = await outcomeOf(example, original);
	const actual = await outcomeOf(example, ours);
	if (expected.trace.some(({ error }) => error === CANNOT_BIND)) counts.bound++;
	else if (!isDeepStrictEqual(actual, expected)) {
		const reason = Object.keys(KNOWN).find((name) => KNOWN[name]({ expected, actual }));
		if (reason === undefined) differing.push({ ...example, expected, actual });
		else known[reason] = (known[reason] ?? 0) + 1;
	} else if (expected.error !== undefined || expected.trace.some(({ error }) => error)) counts.alikeErrors++;
	else if (expected.trace.length === 0) counts.withoutQuery++;
	else counts.alike++;
}
await store.close();
writeSync(1, JSON.stringify({ counts, known, differing }));
process.exit();
