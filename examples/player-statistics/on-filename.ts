// As Root's documentation has it: Knex on the file that the data store names, through the package `sqlite3`. Each of
// its connections has to be told to heed foreign keys.

import { knex } from "knex";
import { rootServer } from "rootcellar";
import type { Database } from "sqlite3";
import { playEvening } from "./evening";

const { dataStore } = rootServer;
const database = knex({
	client: "sqlite3",
	connection: { filename: dataStore.config.sqlite3.filename },
	useNullAsDefault: true,
	pool: {
		afterCreate(connection: Database, done: (error: Error | null, connection: Database) => void) {
			connection.run("PRAGMA foreign_keys = ON", (error: Error | null) => done(error, connection));
		},
	},
});

playEvening(database)
	.finally(() => database.destroy())
	.finally(() => dataStore.close());
