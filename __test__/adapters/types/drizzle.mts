// `rootcellar/drizzle` as a bot uses it. Compiled, never run.

import { eq, sql } from "drizzle-orm";
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { DataStore, RunResult } from "rootcellar";
import { openDataStore } from "rootcellar";
import type { RootcellarDatabase, RootcellarDrizzleConfig, RootcellarTransaction } from "rootcellar/drizzle";
import { drizzle, migrate } from "rootcellar/drizzle";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** A check that a value's type is `Expected`, neither wider nor narrower: else it wants a second argument. */
function exactly<Expected>() {
	return function check<Actual>(_value: Actual, ..._: Equal<Actual, Expected> extends true ? [] : [never]): void {};
}

const players = sqliteTable("players", { id: integer().primaryKey(), name: text().notNull(), level: integer() });
type Player = { id: number; name: string; level: number | null };

export async function statements(): Promise<void> {
	const db = drizzle({ schema: { players } });
	exactly<DataStore>()(db.$client);
	exactly<Player[]>()(await db.select().from(players));
	exactly<Player | undefined>()(await db.query.players.findFirst({ where: eq(players.id, 1) }));
	exactly<RunResult>()(await db.insert(players).values({ name: "ada" }));
	exactly<{ id: number }[]>()(await db.insert(players).values({ name: "ada" }).returning({ id: players.id }));
	exactly<number>()(await db.$count(players));
	exactly<{ n: number }[]>()(await db.all<{ n: number }>(sql`select 1 as n`));
	// @ts-expect-error a player has a name
	await db.insert(players).values({ level: 1 });

	const [rows, changed] = await db.batch([db.select().from(players), db.delete(players)]);
	exactly<Player[]>()(rows);
	exactly<RunResult>()(changed);
}

export async function transactions(): Promise<void> {
	const db = drizzle(openDataStore({ filename: "test.sqlite3" }), { schema: { players } });
	const level = await db.transaction(
		async (tx) => {
			exactly<Player[]>()(await tx.select().from(players));
			exactly<Player | undefined>()(await tx.query.players.findFirst());
			exactly<number | undefined>()(await tx.appData.get<number>("level"));
			await tx.transaction(async (inner) => inner.appData.set({ key: "level", value: 1 }));
			await tx.batch([tx.delete(players)]);
			if (db) tx.rollback();
			return 7;
		},
		{ behavior: "immediate" },
	);
	exactly<number>()(level);
	// @ts-expect-error there is no such behavior
	await db.transaction(async () => 1, { behavior: "patient" });
}

export async function configured(config: RootcellarDrizzleConfig): Promise<void> {
	const db: RootcellarDatabase = drizzle({ ...config, logger: true });
	const count = (tx: RootcellarTransaction) => tx.$count(players);
	exactly<number>()(await db.transaction(count));
	await migrate(db, { migrationsFolder: "drizzle" });
	await migrate(drizzle({ schema: { players } }), { migrationsFolder: "drizzle", migrationsTable: "applied" });
	// @ts-expect-error a store is no file name
	drizzle("test.sqlite3");
}
