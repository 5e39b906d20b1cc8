// Options of the adapters: the store has one name everywhere, and a name that is none is refused, for with it the
// process-wide store would be used.

import knex from "knex";
import { openDataStore } from "rootcellar";
import { drizzle } from "rootcellar/drizzle";
import { KeyvRootcellar } from "rootcellar/keyv";
import RootcellarClient from "rootcellar/knex";
import { RootcellarDialect } from "rootcellar/kysely";
import { describe, expect, test } from "vitest";
import { expectArgumentError } from "../helpers/errors.mjs";
import { temporaryFile, temporaryStore } from "../helpers/store.mjs";

const onKnex = (connection, settings) =>
	knex({ client: RootcellarClient, useNullAsDefault: true, connection, ...settings });

/** Each adapter: how it is made of options, and which store it then has. */
const ADAPTERS = {
	Drizzle: { make: drizzle, storeOf: (db) => db.$client, argument: "config" },
	"Drizzle, after a store": {
		make: (options) => drizzle(temporaryStore(), options),
		argument: "config",
		takesNoStore: true,
	},
	Kysely: {
		make: (options) => new RootcellarDialect(options),
		storeOf: (dialect) => dialect.store,
		argument: "config",
	},
	Keyv: { make: (options) => new KeyvRootcellar(options), storeOf: (keyv) => keyv.dataStore, argument: "options" },
	Knex: { make: onKnex, storeOf: (db) => db.client.open().store, argument: "connection" },
};

function thrownBy(action) {
	try {
		action();
	} catch (error) {
		return error;
	}
	throw new Error("it was expected to throw");
}

const OTHER_NAMES = ["store", "client", "datastore", "data_store", "DataStore", "db", "database", "sqlite", "storage"];

describe.each(Object.entries(ADAPTERS))("%s", (name, { make, storeOf, argument, takesNoStore }) => {
	if (storeOf)
		test("takes a store as dataStore", () => {
			const store = temporaryStore();
			expect(storeOf(make({ dataStore: store }))).toBe(store);
		});

	test.each(OTHER_NAMES)("refuses a store as %s, and says how it is named", (other) => {
		const error = thrownBy(() => make({ [other]: temporaryStore() }));
		expectArgumentError(error, `${argument}.${other}`);
		expect(error.message).toContain("dataStore");
	});

	test("refuses every other name that it does not know", () => {
		for (const other of ["dataStor", "idleTimeout", "file", "x"]) {
			expectArgumentError(
				thrownBy(() => make({ [other]: 1 })),
				`${argument}.${other}`,
			);
		}
	});

	if (!takesNoStore)
		test("refuses a dataStore that is none", () => {
			for (const dataStore of [null, {}, "bot.sqlite3", temporaryStore().sqlite, 7]) {
				const error = thrownBy(() => make({ dataStore }));
				expectArgumentError(error, `${argument}.dataStore`);
				expect(error.message).not.toContain("bot.sqlite3");
			}
		});

	if (name === "Kysely" || name === "Keyv")
		test("says how a store is given, if it is given alone", () => {
			const error = thrownBy(() => make(temporaryStore()));
			expectArgumentError(error, argument);
			expect(error.message).toContain("{ dataStore: store }");
		});
});

test("Drizzle's own options stay", () => {
	const db = drizzle({ dataStore: temporaryStore(), schema: {}, casing: "snake_case", logger: true });
	expect(db.$client.sqlite).toBeDefined();
});

describe("Knex", () => {
	test("refuses a store beside the connection, where Knex would not look for it", () => {
		for (const name of ["dataStore", "store"]) {
			const error = thrownBy(() => onKnex(undefined, { [name]: temporaryStore() }));
			expectArgumentError(error, `config.${name}`);
			expect(error.message).toContain("connection: { dataStore }");
		}
	});

	test("refuses a wrong name also in what a function returns, and a file name beside a store", async () => {
		const db = onKnex(() => ({ store: temporaryStore() }));
		const error = await db.raw("SELECT 1").then(
			() => undefined,
			(thrown) => thrown,
		);
		expectArgumentError(error, "connection.store");
		await db.destroy();
		const both = { dataStore: temporaryStore(), filename: temporaryFile() };
		expectArgumentError(
			thrownBy(() => onKnex(both)),
			"connection.filename",
		);
	});

	test("keeps the settings of its own", async () => {
		const connection = { filename: temporaryFile(), flags: [], idleTimeoutMs: 1_000 };
		const db = onKnex(connection, {
			pool: { max: 2 },
			searchPath: [],
			migrations: { tableName: "done" },
			debug: false,
		});
		expect(await db.raw("SELECT 1 AS one")).toEqual([{ one: 1 }]);
		await db.destroy();
	});
});

test("openDataStore refuses unknown names, too", () => {
	expectArgumentError(
		thrownBy(() => openDataStore({ file: "x" })),
		"options.file",
	);
});
