// Kysely on the store as a bot's code sees it. Compiled, never run.

import { type Generated, Kysely } from "kysely";
import { openDataStore } from "rootcellar";
import { RootcellarDialect, type RootcellarDialectConfig } from "rootcellar/kysely";

interface Database {
	players: { id: Generated<number>; name: string; level: number };
}

const config: RootcellarDialectConfig = {
	dataStore: openDataStore({ filename: "test.sqlite3" }),
	idleTimeoutMs: 1_000,
};
const db = new Kysely<Database>({ dialect: new RootcellarDialect(config) });
const { id } = await db
	.insertInto("players")
	.values({ name: "ada", level: 1 })
	.returning("id")
	.executeTakeFirstOrThrow();
await db.updateTable("players").set({ level: 2 }).where("id", "=", id).execute();
export const ofTheProcess = new Kysely<Database>({ dialect: new RootcellarDialect() });

// @ts-expect-error a file is not what it takes
export const wrong = new RootcellarDialect({ filename: "test.sqlite3" });
