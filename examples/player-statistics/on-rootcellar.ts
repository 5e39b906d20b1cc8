// The same on this package's engine: the client is another, `sqlite3` is not needed, and foreign keys are heeded.

import { knex } from "knex";
import { rootServer } from "rootcellar";
import { RootcellarClient } from "rootcellar/knex";
import { playEvening } from "./evening";

const database = knex({ client: RootcellarClient, useNullAsDefault: true });

playEvening(database)
	.finally(() => database.destroy())
	.finally(() => rootServer.dataStore.close());
