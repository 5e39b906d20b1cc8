// Scenarios of Kysely's schemas and migrations, as [name, scenario]. A scenario is given a `Kysely` and a helper that turns a
// failure into something to compare, and returns what it saw.

import { Migrator, sql } from "kysely";

/** A provider of migrations by name. */
const provider = (migrations) => ({ getMigrations: async () => migrations });

const MIGRATIONS = {
	"1_team": {
		up: (db) =>
			db.schema
				.createTable("team")
				.addColumn("id", "integer", (column) => column.primaryKey())
				.execute(),
		down: (db) => db.schema.dropTable("team").execute(),
	},
	"2_name": {
		async up(db) {
			await db.schema.alterTable("team").addColumn("name", "text").execute();
			await db.insertInto("team").values({ name: "red" }).execute();
		},
		down: (db) => db.schema.alterTable("team").dropColumn("name").execute(),
	},
};

const FAILING = {
	...MIGRATIONS,
	"3_fail": {
		async up(db) {
			await db.schema.createTable("half").addColumn("id", "integer").execute();
			throw new Error("on purpose");
		},
	},
};

/** The comparable part of a migrator's result. */
const resultOf = ({ results, error }) => [results, error?.message];

export const scenarios = [
	[
		"introspection: tables, views and columns",
		async (db) => {
			await db.schema
				.createTable("kinds")
				.addColumn("id", "integer", (column) => column.primaryKey().autoIncrement())
				.addColumn("at", "datetime", (column) => column.defaultTo(sql`CURRENT_TIMESTAMP`).notNull())
				.addColumn("price", "decimal(8, 2)")
				.execute();
			return [
				await db.introspection.getTables(),
				await db.introspection.getSchemas(),
				(await db.introspection.getMetadata()).tables.length,
			];
		},
	],
	[
		"the schema builder: tables, columns, indexes, views, constraints",
		async (db, failure) => {
			await db.schema
				.createTable("item")
				.ifNotExists()
				.addColumn("id", "integer", (column) => column.primaryKey())
				.addColumn("owner", "integer", (column) => column.references("person.id").onDelete("set null"))
				.addColumn("kind", "text", (column) => column.check(sql`kind in ('a', 'b')`))
				.addUniqueConstraint("item_unique", ["owner", "kind"])
				.execute();
			await db.schema
				.createIndex("item_kind")
				.on("item")
				.columns(["kind", "id desc"])
				.where("kind", "=", "a")
				.execute();
			await db.schema
				.alterTable("item")
				.addColumn("note", "text", (column) => column.defaultTo("none").notNull())
				.execute();
			await db.schema.alterTable("item").renameColumn("note", "remark").execute();
			await db.insertInto("item").values({ owner: 1, kind: "a" }).execute();
			const refused = [
				await failure(db.insertInto("item").values({ kind: "z" }).execute()),
				await failure(db.insertInto("item").values({ owner: 1, kind: "a" }).execute()),
				await failure(db.insertInto("item").values({ owner: 50 }).execute()),
			];
			await db.schema
				.createView("items")
				.orReplace()
				.as(db.selectFrom("item").selectAll())
				.execute()
				.catch(() => {});
			await db.schema.createView("items").ifNotExists().as(db.selectFrom("item").select("remark")).execute();
			await db.schema.dropIndex("item_kind").execute();
			await db.schema.alterTable("item").renameTo("thing").execute();
			return [
				refused,
				await db.selectFrom("thing").selectAll().execute(),
				await failure(db.schema.dropTable("item").execute()),
			];
		},
	],
	[
		"migrations: to latest, down, to a name, and none left",
		async (db) => {
			const migrator = new Migrator({ db, provider: provider(MIGRATIONS) });
			const seen = [resultOf(await migrator.migrateToLatest()), resultOf(await migrator.migrateToLatest())];
			seen.push(await db.selectFrom("team").selectAll().execute());
			seen.push(resultOf(await migrator.migrateDown()), resultOf(await migrator.migrateUp()));
			seen.push(resultOf(await migrator.migrateTo("1_team")));
			seen.push((await migrator.getMigrations()).map(({ name, executedAt }) => [name, executedAt !== undefined]));
			return seen;
		},
	],
	[
		"migrations: one that fails is reported, one that is missing refused, two at once applied once",
		async (db) => {
			const failed = resultOf(await new Migrator({ db, provider: provider(FAILING) }).migrateToLatest());
			const missing = resultOf(
				await new Migrator({ db, provider: provider({ "2_name": MIGRATIONS["2_name"] }) }).migrateToLatest(),
			);
			const again = () =>
				new Migrator({
					db,
					provider: provider(MIGRATIONS),
					migrationTableName: "other",
					migrationLockTableName: "other_lock",
				});
			await db.schema.dropTable("team").execute();
			const both = await Promise.all([again().migrateToLatest(), again().migrateToLatest()]);
			// Which of the two comes first is for nobody to say.
			return [failed, missing, both.map(resultOf).sort(([one], [other]) => other.length - one.length)];
		},
	],
];
