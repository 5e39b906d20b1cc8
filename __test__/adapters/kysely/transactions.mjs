// Scenarios of Kysely's transactions, connections and streams, as [name, scenario]. A scenario is given a `Kysely` and a helper that turns a
// failure into something to compare, and returns what it saw.

import { CompiledQuery, sql } from "kysely";
import { add, names } from "./tables.mjs";

export const scenarios = [
	[
		"transaction: commits, rolls back with that very error, and sees its own writes",
		async (db) => {
			const own = new Error("mine");
			const kept = await db.transaction().execute(async (trx) => {
				await add(trx, "kept");
				return names(trx);
			});
			const caught = await db
				.transaction()
				.execute(async (trx) => {
					await add(trx, "gone");
					throw own;
				})
				.catch((error) => error);
			const refused = await db
				.transaction()
				.execute(async (trx) => {
					await add(trx, "gone, too");
					await add(trx, "ada");
				})
				.catch((error) => error.message);
			return [kept, caught === own, refused, await names(db)];
		},
	],
	[
		"transaction: isolation and access mode, one within another refused, several at once",
		async (db, failure) => {
			await db
				.transaction()
				.setIsolationLevel("serializable")
				.execute((trx) => add(trx, "one"));
			const nested = await failure(db.transaction().execute((trx) => trx.transaction().execute(async () => {})));
			const counted = await Promise.all(
				[1, 2, 3, 4].map((n) =>
					db.transaction().execute(async (trx) => {
						const { count } = await trx
							.selectFrom("person")
							.select(({ fn }) => fn.countAll().as("count"))
							.executeTakeFirst();
						await add(trx, `at once ${count}`);
						return n;
					}),
				),
			);
			return [nested, counted, await names(db)];
		},
	],
	[
		"controlled transaction: commit, rollback, savepoints, and use after the end",
		async (db, failure) => {
			const trx = await db.startTransaction().execute();
			await add(trx, "before");
			const first = await trx.savepoint("first").execute();
			await add(first, "undone");
			const second = await first.savepoint('second "quoted"').execute();
			await add(second, "undone, too");
			await second.rollbackToSavepoint("first").execute();
			await add(trx, "after");
			const third = await trx.savepoint("third").execute();
			await add(third, "released");
			await third.releaseSavepoint("third").execute();
			const unknown = await failure(trx.rollbackToSavepoint("third").execute());
			await trx.commit().execute();
			const late = await failure(add(trx, "late"));
			const other = await db.startTransaction().execute();
			await add(other, "rolled back");
			await other.rollback().execute();
			return [unknown, late, trx.isCommitted, other.isRolledBack, await names(db)];
		},
	],
	[
		"one connection for several queries: PRAGMA foreign_keys and a transaction by hand",
		async (db, failure) => {
			await sql`PRAGMA foreign_keys = ON`.execute(db);
			const seen = await db.connection().execute(async (one) => {
				await sql`PRAGMA foreign_keys = OFF`.execute(one);
				await one.insertInto("pet").values({ owner_id: 77 }).execute();
				const off = await sql`PRAGMA foreign_keys`.execute(one);
				await sql`PRAGMA foreign_keys = ON`.execute(one);
				await one.executeQuery(CompiledQuery.raw("BEGIN"));
				await add(one, "undone");
				await one.executeQuery(CompiledQuery.raw("ROLLBACK"));
				return off.rows;
			});
			await sql`PRAGMA foreign_keys = OFF`.execute(db);
			await db.insertInto("pet").values({ owner_id: 78 }).execute();
			await sql`PRAGMA foreign_keys = ON`.execute(db);
			return [seen, await failure(db.insertInto("pet").values({ owner_id: 79 }).execute()), await names(db)];
		},
	],
	[
		"streams: whole, left early, failed, within a transaction",
		async (db, failure) => {
			const whole = [];
			for await (const row of db.selectFrom("pet").selectAll().stream()) whole.push(row);
			const early = [];
			for await (const row of db.selectFrom("pet").select("name").stream(2)) {
				early.push(row);
				break;
			}
			const within = await db.transaction().execute(async (trx) => {
				await add(trx, "streamed");
				const rows = [];
				for await (const row of trx.selectFrom("person").select("name").stream()) rows.push(row);
				return rows;
			});
			const broken = async () => {
				for await (const _ of db.selectFrom("nowhere").selectAll().stream());
			};
			return [whole, early, within, await failure(broken())];
		},
	],
];
