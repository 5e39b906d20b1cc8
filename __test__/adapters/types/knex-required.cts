// The same as a CommonJS bot uses it. Compiled, never run.

import knex = require("knex");
import RootcellarClient = require("rootcellar/knex");

import { RootcellarDialect } from "rootcellar/kysely";

export const db = knex.knex({ client: RootcellarClient });
export const sameClass: typeof RootcellarClient = RootcellarClient.RootcellarClient;
export const dialect = new RootcellarDialect();
