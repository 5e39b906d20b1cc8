// The SDK, as a black box, and rootcellar over one table of operations, each in a process of its own on a new
// file. The table with the outcomes is sdk-parity/cases.mjs, that of the files sdk-parity/files.mjs.

import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { raw } from "../../helpers/raw.mjs";
import { groups } from "./cases.mjs";
import { samples } from "./files.mjs";
import { runWith, sharedFolder } from "./run.mjs";

const CASES = new URL("./cases.mjs", import.meta.url);
const FIRST = new URL("./first.mjs", import.meta.url);
const FILES = new URL("./files.mjs", import.meta.url);
const SIDES = ["sdk", "rootcellar"];
const TIME_LIMIT_MS = 300_000;

/** The stated outcomes of a case, which must be a statement: one for both, or two that differ. */
function stated(entry) {
	if ("both" in entry) return { sdk: entry.both, rootcellar: entry.both };
	expect(entry.rootcellar, "two outcomes that are stated apart must differ").not.toStrictEqual(entry.sdk);
	return { sdk: entry.sdk, rootcellar: entry.rootcellar };
}

const ROWS = `
	SELECT
		key, typeof(key) AS key_type,
		community_id, typeof(community_id) AS community_type,
		value, typeof(value) AS value_type,
		expires_at, typeof(expires_at) AS expires_type
	FROM __rootapp_kv ORDER BY rowid`;

/** The rows with the types that SQLite stored, through the sqlite3 package. */
const readRows = (filename) => raw(filename, ROWS);

/** Columns, indexes and other objects of the file, and what SQLite's own check says. */
async function readSchema(filename) {
	const indexes = (await raw(filename, "PRAGMA index_list(__rootapp_kv)")).filter(
		({ name }) => !name.startsWith("__rootcellar_"),
	);
	for (const index of indexes) index.columns = await raw(filename, `PRAGMA index_xinfo(${index.name})`);
	const objects = await raw(filename, "SELECT name, tbl_name FROM sqlite_schema ORDER BY name");
	return {
		columns: await raw(filename, "PRAGMA table_info(__rootapp_kv)"),
		indexes: indexes.map(({ seq, ...index }) => index),
		others: objects.map(({ name }) => name).filter((name) => !name.startsWith("__rootapp_kv")),
		check: await raw(filename, "PRAGMA integrity_check"),
	};
}

describe("operations", () => {
	const folder = sharedFolder();
	const outcomes = {};

	beforeAll(async () => {
		const run = async (side) => {
			outcomes[side] = await runWith(side, path.join(folder, `${side}.sqlite3`), CASES, "runTable");
		};
		await Promise.all(SIDES.map(run));
	}, TIME_LIMIT_MS);

	for (const [group, cases] of Object.entries(groups)) {
		describe(group, () => {
			for (const entry of cases) {
				test(entry.name, () => {
					const expected = stated(entry);
					for (const side of SIDES) {
						expect(outcomes[side][group][entry.name], side).toStrictEqual({ value: expected[side] });
					}
				});
			}
		});
	}

	test("every case has a name of its own", () => {
		const names = Object.values(groups).flatMap((cases) => cases.map(({ name }) => name));
		expect(new Set(names).size).toBe(names.length);
	});
});

describe("on a new file", () => {
	const folder = sharedFolder();

	test(
		"concurrent first operations are done, where the SDK rejects some",
		async () => {
			const first = (side) => runWith(side, path.join(folder, `${side}.sqlite3`), FIRST, "firstOperations");
			const [sdk, rootcellar] = [await first("sdk"), await first("rootcellar")];
			expect(sdk.rejected).toBeGreaterThan(0);
			expect(rootcellar).toEqual({ rejected: 0, of: sdk.of });
		},
		TIME_LIMIT_MS,
	);
});

describe("the file", () => {
	const folder = sharedFolder();
	const rows = {};
	const schemas = {};

	beforeAll(async () => {
		for (const side of SIDES) {
			const filename = path.join(folder, `${side}.sqlite3`);
			await runWith(side, filename, FILES, "writeSamples");
			rows[side] = await readRows(filename);
			schemas[side] = await readSchema(filename);
		}
	}, TIME_LIMIT_MS);

	for (const entry of samples) {
		test(entry.name, () => {
			const expected = stated(entry);
			for (const side of SIDES) {
				expect(
					rows[side].filter(({ key }) => key === entry.key),
					side,
				).toStrictEqual(expected[side]);
			}
		});
	}

	test("no row is there but those of the table", () => {
		const keys = new Set(samples.map(({ key }) => key));
		for (const side of SIDES)
			expect(
				rows[side].filter(({ key }) => !keys.has(key)),
				side,
			).toEqual([]);
	});

	test("the table and its unique index are the SDK's, column for column", () => {
		expect(schemas.sdk.columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
			"key varchar(255)",
			"community_id varchar(255)",
			"value varchar(255)",
			"expires_at datetime",
		]);
		expect(schemas.rootcellar.columns).toStrictEqual(schemas.sdk.columns);
		expect(schemas.rootcellar.indexes).toStrictEqual(schemas.sdk.indexes);
	});

	test("every other table and index of ours has the prefix __rootcellar_", () => {
		expect(schemas.rootcellar.others.filter((name) => !name.startsWith("__rootcellar_"))).toEqual([]);
	});

	test("SQLite finds both files sound", () => {
		for (const side of SIDES) expect(schemas[side].check, side).toEqual([{ integrity_check: "ok" }]);
	});
});
