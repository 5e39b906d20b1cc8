// Knex on the store as a bot's code sees it. Compiled, never run.

import knex, { type Knex } from "knex";
import { openDataStore } from "rootcellar";
import RootcellarClient, { RootcellarClient as byName } from "rootcellar/knex";

interface Task {
	id: number;
	title: string;
}

const ofTheProcess = knex({ client: RootcellarClient, useNullAsDefault: true });
export const task: Task | undefined = await ofTheProcess<Task>("tasks").where({ id: 1 }).first();

const store = openDataStore({ filename: "test.sqlite3" });
const connection: RootcellarClient.ConnectionConfig = { dataStore: store, idleTimeoutMs: 1_000 };
export const ofAStore = knex({ client: byName, connection: connection as Knex.StaticConnectionConfig });
export const ofAFile = knex({ client: RootcellarClient, connection: { filename: "test.sqlite3" } });

// @ts-expect-error a store is no file name
export const wrong: RootcellarClient.ConnectionConfig = { filename: store };
