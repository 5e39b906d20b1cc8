// Scenarios of Kysely's queries, as [name, scenario]. A scenario is given a `Kysely` and a helper that turns a
// failure into something to compare, and returns what it saw.

import { CamelCasePlugin, CompiledQuery, ParseJSONResultsPlugin, sql } from "kysely";
import { jsonArrayFrom, jsonBuildObject, jsonObjectFrom } from "kysely/helpers/sqlite";
import { add } from "./tables.mjs";

export const scenarios = [
	[
		"insert: one, several, returning, from a query, or ignore, or replace",
		async (db, failure) => [
			await db.insertInto("person").values({ name: "kim" }).executeTakeFirst(),
			await db
				.insertInto("person")
				.values([{ name: "lee" }, { name: "mae" }])
				.returning(["id", "name"])
				.execute(),
			await db
				.insertInto("pet")
				.columns(["name", "owner_id"])
				.expression((eb) => eb.selectFrom("person").select(["name", "id"]))
				.execute(),
			await db.insertInto("person").orIgnore().values({ name: "ada" }).returningAll().executeTakeFirst(),
			await db.insertInto("person").orReplace().values({ id: 2, name: "bert" }).returningAll().executeTakeFirst(),
			await db.insertInto("pet").defaultValues().returning("id").execute(),
			await failure(add(db, "ada")),
			await failure(db.insertInto("person").values({ age: 1 }).execute()),
		],
	],
	[
		"upsert: do nothing, do update, with a condition",
		async (db) => [
			await db
				.insertInto("person")
				.values({ name: "ada" })
				.onConflict((conflict) => conflict.column("name").doNothing())
				.returning("id")
				.execute(),
			await db
				.insertInto("person")
				.values([
					{ name: "ada", age: 1 },
					{ name: "new", age: 2 },
				])
				.onConflict((conflict) =>
					conflict.column("name").doUpdateSet((eb) => ({ age: eb("excluded.age", "+", eb.ref("person.age")) })),
				)
				.returningAll()
				.execute(),
			await db
				.insertInto("person")
				.values({ name: "bob", age: 99 })
				.onConflict((conflict) => conflict.column("name").doUpdateSet({ age: 50 }).where("person.age", ">", 10))
				.executeTakeFirst()
				.then(({ numInsertedOrUpdatedRows }) => numInsertedOrUpdatedRows),
		],
	],
	[
		"update and delete, from other tables, returning; rows cascade",
		async (db) => [
			await db
				.updateTable("person")
				.set((eb) => ({ age: eb("age", "+", 1) }))
				.executeTakeFirst(),
			await db
				.updateTable("pet")
				.from("person")
				.set({ name: "owned" })
				.whereRef("person.id", "=", "pet.owner_id")
				.where("person.name", "=", "bob")
				.returning("pet.name")
				.execute(),
			await db.deleteFrom("person").where("name", "=", "ada").executeTakeFirst(),
			await db.deleteFrom("pet").returningAll().execute(),
			await db.deleteFrom("pet").where("id", "=", 9).executeTakeFirst(),
		],
	],
	[
		"joins, groups, set operations, common table expressions, windows",
		async (db) => [
			await db
				.selectFrom("person")
				.innerJoin("pet", "pet.owner_id", "person.id")
				.select(["person.name", "pet.name as pet"])
				.orderBy("pet.id")
				.execute(),
			await db
				.selectFrom("person as p")
				.leftJoin("pet as a", (join) => join.onRef("a.owner_id", "=", "p.id").on("a.name", "like", "r%"))
				.selectAll("p")
				.select("a.name as pet")
				.execute(),
			await db
				.selectFrom("pet")
				.rightJoin("person", "person.id", "pet.owner_id")
				.fullJoin("adult", "adult.id", "person.id")
				.select(({ fn }) => fn.countAll().as("n"))
				.executeTakeFirst(),
			await db
				.selectFrom("pet")
				.select(({ fn }) => ["owner_id", fn.count("id").as("n"), fn.agg("group_concat", ["name"]).as("all")])
				.groupBy("owner_id")
				.having(({ fn }) => fn.count("id"), ">", 1)
				.execute(),
			await db
				.with("old", (cte) => cte.selectFrom("person").where("age", ">", 10).selectAll())
				.selectFrom("old")
				.select("name")
				.union(db.selectFrom("pet").select("name"))
				.orderBy("name")
				.execute(),
			await db
				.withRecursive("n(i)", (cte) =>
					cte
						.selectNoFrom(sql.lit(1).as("i"))
						.unionAll(cte.selectFrom("n").select(sql`i + 1`.as("i")).where("i", "<", 4)),
				)
				.selectFrom("n")
				.selectAll()
				.execute(),
			await db
				.selectFrom("pet")
				.select(({ fn }) => [
					"id",
					fn
						.agg("row_number")
						.over((over) => over.partitionBy("owner_id").orderBy("id", "desc"))
						.as("line"),
				])
				.orderBy("id")
				.execute(),
		],
	],
	[
		"JSON: the helpers, paths, and parsed results",
		async (db) => [
			await db
				.selectFrom("person")
				.select((eb) => [
					"name",
					jsonArrayFrom(eb.selectFrom("pet").select(["name"]).whereRef("owner_id", "=", "person.id").orderBy("id")).as(
						"pets",
					),
				])
				.execute(),
			await db
				.withPlugin(new ParseJSONResultsPlugin())
				.selectFrom("person")
				.select((eb) => [
					"data",
					jsonObjectFrom(
						eb.selectFrom("pet").select(["id", "name"]).whereRef("owner_id", "=", "person.id").limit(1),
					).as("pet"),
					jsonBuildObject({ n: eb.ref("name"), two: sql`2` }).as("built"),
				])
				.execute(),
			await db
				.selectFrom("person")
				.select((eb) => eb.ref("data", "->>$").key("a").at(1).key("b").as("b"))
				.execute(),
			await db.selectFrom("person").select(sql`json_extract(data, ${"$.a[0]"})`.as("first")).execute(),
			await db
				.updateTable("person")
				.set({ data: sql`json_set(data, '$.c', json(${"[true]"}))` })
				.where("id", "=", 1)
				.returning("data")
				.execute(),
		],
	],
	[
		"values: text, floats, large integers as bigint parameters, bytes, NULL",
		async (db) => {
			const values = ["", "\u{1F331}", 0.5, -1.25, 1e300, null, Buffer.from([0, 1, 255])];
			for (const picture of [...values, 12n]) await db.insertInto("pet").values({ picture }).execute();
			const rows = await db.selectFrom("pet").select("picture").where("id", ">", 3).execute();
			return [
				rows,
				Buffer.isBuffer(rows[6].picture),
				await db
					.selectFrom("pet")
					.select("id")
					.where("picture", "=", Buffer.from([0, 1, 255]))
					.execute(),
			];
		},
	],
	[
		"plugins and raw SQL",
		async (db, failure) => {
			const camel = db.withPlugin(new CamelCasePlugin());
			return [
				await camel.selectFrom("pet").select(["ownerId"]).where("ownerId", "=", 2).execute(),
				await sql`SELECT ${1} AS one, ${sql.ref("person.name")} FROM ${sql.table("person")}`.execute(db),
				await sql`UPDATE person SET age = ${5} WHERE id = ${1}`
					.execute(db)
					.then(({ numAffectedRows }) => numAffectedRows),
				await sql`PRAGMA user_version = 7`.execute(db).then(() => sql`PRAGMA user_version`.execute(db)),
				await failure(sql`SELEC 1`.execute(db)),
				await db.executeQuery(CompiledQuery.raw("SELECT count(*) AS n FROM pet WHERE id > ?", [1])),
			];
		},
	],
];
