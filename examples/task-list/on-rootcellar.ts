// The same on this package's engine: the client is another, and `sqlite3` is not needed.

import { knex } from "knex";
import { rootServer } from "rootcellar";
import { RootcellarClient } from "rootcellar/knex";
import { playSession } from "./session";

const database = knex({ client: RootcellarClient, useNullAsDefault: true });

playSession(database)
	.finally(() => database.destroy())
	.finally(() => rootServer.dataStore.close());
