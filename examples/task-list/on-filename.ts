// As Root's documentation has it: Knex on the file that the data store names, through the package `sqlite3`.

import { knex } from "knex";
import { rootServer } from "rootcellar";
import { playSession } from "./session";

const { dataStore } = rootServer;
const database = knex({
	client: "sqlite3",
	connection: { filename: dataStore.config.sqlite3.filename },
	useNullAsDefault: true,
});

playSession(database)
	.finally(() => database.destroy())
	.finally(() => dataStore.close());
