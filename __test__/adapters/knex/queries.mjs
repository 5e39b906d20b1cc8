// Scenarios of Knex's query builder, as [name, scenario].

import { Writable } from "node:stream";
import { finished, pipeline } from "node:stream/promises";

async function shop(db) {
	await db.schema.createTable("customers", (table) => {
		table.increments("id");
		table.string("name").unique();
		table.string("city");
		table.json("data");
	});
	await db.schema.createTable("orders", (table) => {
		table.increments("id");
		table.integer("customer_id");
		table.decimal("total");
		table.boolean("paid").defaultTo(false);
	});
	await db("customers").insert([
		{ name: "ada", city: "London", data: JSON.stringify({ tags: ["x", "y"], age: 36, address: { zip: "1" } }) },
		{ name: "bob", city: "Paris", data: JSON.stringify({ tags: [], age: 20 }) },
		{ name: "eve", city: "Paris" },
	]);
	await db("orders").insert([
		{ customer_id: 1, total: 10.5, paid: true },
		{ customer_id: 1, total: 4 },
		{ customer_id: 2, total: 7 },
		{ customer_id: null, total: 1 },
	]);
}

/** A scenario that begins with the shop. */
const inShop = (name, scenario) => [
	name,
	async (db, failure) => {
		await shop(db);
		return scenario(db, failure);
	},
];

export const scenarios = [
	inShop("insert: one, several, and what it resolves with", async (db, failure) => [
		await db("customers").insert({ name: "kim" }),
		await db("customers").insert([{ name: "lee" }, { name: "mae", city: "Rome" }]),
		await db.insert({ name: "nat" }).into("customers"),
		await failure(db("customers").insert({ name: "ada" })),
		await failure(db("customers").insert({ nothing: 1 })),
		await db("orders").insert({}),
		await db("customers").select(),
		await db("orders").select(),
	]),
	inShop("insert returning", async (db) => [
		await db("customers").insert({ name: "kim" }).returning("id"),
		await db("customers").insert([{ name: "lee" }, { name: "mae" }], ["id", "name"]),
		await db("customers").insert({ name: "nat" }, "*"),
	]),
	inShop("batchInsert, in chunks and in one transaction", async (db, failure) => {
		const rows = Array.from({ length: 250 }, (_, index) => ({ customer_id: index, total: index / 2 }));
		const ids = await db.batchInsert("orders", rows, 40).returning("id");
		const refused = await failure(db.batchInsert("customers", [{ name: "kim" }, { name: "ada" }], 1));
		return [
			ids.length,
			ids[0],
			ids.at(-1),
			await db("orders").count("* as n"),
			refused,
			await db("customers").pluck("name"),
		];
	}),
	inShop("onConflict: ignore, merge, merge of some, merge with where", async (db) => {
		await db("customers").insert({ name: "ada", city: "Rome" }).onConflict("name").ignore();
		const ignored = await db("customers").where({ name: "ada" });
		await db("customers").insert({ name: "ada", city: "Rome" }).onConflict("name").merge();
		const merged = await db("customers").where({ name: "ada" });
		const returned = await db("customers")
			.insert([
				{ name: "bob", city: "Oslo" },
				{ name: "kim", city: "Bern" },
			])
			.onConflict("name")
			.merge(["city"])
			.returning(["id", "name", "city"]);
		await db("customers")
			.insert({ name: "eve", city: "Oslo" })
			.onConflict("name")
			.merge()
			.where("customers.city", "Rome");
		await db("customers").insert({ name: "eve", city: "Nice" }).onConflict("name").merge({ data: "{}" });
		return [ignored, merged, returned, await db("customers").select()];
	}),
	inShop("select: columns, aliases, where in all its forms", async (db) => [
		await db.select("name as n", "city").from("customers").where("id", ">", 1),
		await db("customers").where({ city: "Paris" }).andWhere("name", "like", "b%"),
		await db("customers").whereIn("name", ["ada", "eve"]).orWhereNull("data"),
		await db("customers").whereNotIn("id", [1]).whereNotNull("data"),
		await db("orders").whereBetween("total", [4, 8]).orderBy("total", "desc"),
		await db("customers").whereLike("name", "%a%").whereILike("city", "LON%"),
		await db("customers").whereExists(db("orders").whereRaw("orders.customer_id = customers.id")),
		await db("customers")
			.where((query) => query.where("id", 1).orWhere("id", 3))
			.whereNot("name", "eve"),
		await db("orders").where("paid", true).orWhere({ paid: false, total: 4 }),
		await db("customers").whereIn(["name", "city"], [["bob", "Paris"]]),
		await db("customers").where("id", 99).first(),
		await db("customers").first("name"),
		await db("customers").pluck("name"),
	]),
	inShop("distinct, order, limit, offset, group, having, aggregates", async (db) => [
		await db("customers").distinct("city").orderBy("city"),
		await db("orders")
			.orderBy([{ column: "paid", order: "desc" }, "total"])
			.limit(2)
			.offset(1),
		await db("orders")
			.count("* as n")
			.sum("total as s")
			.avg("total as a")
			.min("total as low")
			.max("total as high")
			.first(),
		await db("orders").select("customer_id").sum({ spent: "total" }).groupBy("customer_id").having("spent", ">", 5),
		await db("orders").countDistinct("customer_id as n"),
		await db("customers").orderBy("city", "desc", "last").orderByRaw("length(name)"),
	]),
	inShop("joins: inner, left, with several conditions, self, cross, subquery", async (db) => [
		await db("customers")
			.join("orders", "customers.id", "orders.customer_id")
			.select("name", "total")
			.orderBy("orders.id"),
		await db("customers as c")
			.leftJoin("orders as o", "c.id", "o.customer_id")
			.select("c.name", "o.total")
			.orderBy(["c.id", "o.id"]),
		await db("customers as c")
			.join("orders as o", function () {
				this.on("c.id", "=", "o.customer_id")
					.andOn("o.total", ">", db.raw("?", [5]))
					.andOnVal("c.city", "Paris");
			})
			.select("c.name", "o.total"),
		await db("customers as a")
			.join("customers as b", "a.city", "b.city")
			.whereRaw("a.id < b.id")
			.select("a.name as one", "b.name as other"),
		await db("customers").crossJoin("orders").count("* as n"),
		await db("orders")
			.rightJoin("customers", "customers.id", "orders.customer_id")
			.whereNull("orders.id")
			.select("name"),
		await db("customers")
			.join(
				db("orders").select("customer_id").max("total as top").groupBy("customer_id").as("best"),
				"best.customer_id",
				"customers.id",
			)
			.select("name", "top")
			.orderBy("name"),
	]),
	inShop("union, intersect, except, with, recursive with, subqueries", async (db) => [
		await db("customers")
			.select("name")
			.where("id", 1)
			.union(db("customers").select("name").where("id", 2))
			.orderBy("name"),
		await db("customers")
			.select("city")
			.unionAll([db("customers").select("city")])
			.orderBy("city"),
		await db("customers").select("id").intersect(db("orders").select("customer_id")),
		await db("customers").select("id").except(db("orders").select("customer_id").whereNotNull("customer_id")),
		await db
			.with("rich", db("orders").where("total", ">", 5))
			.select("total")
			.from("rich")
			.orderBy("total"),
		await db
			.withRecursive("numbers", ["n"], db.raw("SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?", [5]))
			.select("n")
			.from("numbers"),
		await db("customers").select("name", db("orders").count("*").whereRaw("customer_id = customers.id").as("n")),
		await db("orders").select("id").rank("place", "total").rowNumber("line", "id"),
	]),
	inShop("update, increment, decrement, and returning", async (db, failure) => [
		await db("customers").where({ city: "Paris" }).update({ city: "Lyon" }),
		await db("customers").where({ id: 99 }).update("city", "none"),
		await db("orders").where({ id: 1 }).increment("total", 5),
		await db("orders").decrement({ total: 1 }),
		await db("orders").where("id", "<", 3).update({ paid: true }).returning(["id", "paid"]),
		await db("orders").where("id", 99).update({ paid: true }, ["id"]),
		await failure(db("customers").where({ id: 2 }).update({ name: "ada" })),
		await db("customers").select(),
		await db("orders").select(),
	]),
	inShop("delete, delete returning, truncate", async (db) => [
		await db("orders").where("total", "<", 5).del(),
		await db("orders").where({ id: 1 }).delete().returning("*"),
		await db("customers")
			.truncate()
			.then(() => db("customers").select()),
		await db("customers").insert({ name: "kim" }),
		await db("orders").select(),
	]),
	inShop("JSON: extract, set, insert, remove, and where", async (db) => [
		await db("customers").jsonExtract("data", "$.age", "age").select("name"),
		await db("customers")
			.jsonExtract([
				["data", "$.tags[0]", "tag"],
				["data", "$.address.zip", "zip"],
			])
			.where("id", 1),
		await db("customers").jsonSet("data", "$.name", "new", "changed").where("id", 1),
		await db("customers").jsonInsert("data", "$.extra", "deep", "changed").where("id", 2),
		await db("customers").jsonRemove("data", "$.tags", "changed").where("id", 1),
		await db("customers").whereJsonPath("data", "$.age", ">", 25).select("name"),
		await db("customers").whereJsonObject("data", { tags: [], age: 20 }).select("name"),
		await db("customers").whereRaw("json_array_length(data, '$.tags') = ?", [2]).pluck("name"),
		await db.raw("SELECT key, value FROM json_each(?)", ['{"a":1,"b":[2]}']),
		await db("customers").insert({ name: "kim", data: { object: true } }),
		await db("customers").where({ name: "kim" }).first("data"),
	]),
	inShop("raw: bindings of every form, and statements without rows", async (db, failure) => [
		await db.raw("SELECT ? AS a, ? AS b", [1, "two"]),
		await db.raw("SELECT :a AS x, ?? FROM ?? LIMIT 1".replace(":a", "?"), [5, "name", "customers"]),
		await db.raw("SELECT name FROM customers WHERE id = :id AND :column: = :city", {
			id: 1,
			column: "city",
			city: "London",
		}),
		await db.select(db.raw("upper(name) AS loud")).from("customers"),
		await failure(db.raw("SELEC 1")),
		await failure(db.raw("SELECT * FROM nowhere")),
		await failure(db("customers").select("nothing").where({ id: 1 })),
		await db.raw("PRAGMA table_info(orders)"),
		await db.raw("EXPLAIN QUERY PLAN SELECT * FROM customers WHERE id = 1").then((plan) => plan.length),
	]),
	[
		"values: dates, booleans, numbers, bytes, text and NULL come back as they are stored",
		async (db) => {
			await db.schema.createTable("kinds", (table) => {
				table.increments("id");
				table.specificType("value", "BLOB");
			});
			const values = [
				new Date(1_700_000_000_000),
				true,
				false,
				1.5,
				-0.25,
				2 ** 53 - 1,
				1e300,
				"",
				"a\u0000b",
				"\u{1F331}",
				null,
			];
			for (const value of [...values, undefined, Buffer.from([0, 255]), Buffer.alloc(0)])
				await db("kinds").insert({ value });
			return [
				await db("kinds").select("value"),
				await db("kinds")
					.where("value", Buffer.from([0, 255]))
					.pluck("id"),
			];
		},
	],
	inShop("streams: read, piped, iterated, handed over, failed", async (db) => {
		const names = [];
		for await (const row of db("customers").select("name").stream()) names.push(row.name);
		const piped = [];
		const sink = new Writable({ objectMode: true, write: (row, _, done) => done(piped.push(row) && null) });
		await pipeline(db("orders").select("id", "total").stream({ highWaterMark: 1 }), sink);
		const handed = [];
		await db("orders").stream((stream) => stream.on("data", (row) => handed.push(row)));
		const broken = db("nowhere").stream();
		const problem = await finished(broken.resume()).then(
			() => "none",
			(error) => /no such table: nowhere/.test(error.message),
		);
		// Knex gives a connection back once more when a stream closes.
		await new Promise((resolve) => setImmediate(resolve));
		return [names, piped, handed, problem, await db("orders").count("* as n")];
	}),
	inShop("events, hooks and identifiers", async (db) => {
		const seen = [];
		db.on("query", ({ sql, bindings, method }) => seen.push(["query", sql, bindings, method]));
		db.on("query-response", (response, { sql }) => seen.push(["response", sql, response]));
		db.on("query-error", (_, { sql }) => seen.push(["error", sql]));
		await db("customers").where({ id: 1 }).update({ city: "Rome" });
		await db("nowhere").catch(() => {});
		const own = db.withUserParams({ tenant: 1 });
		return [seen, own.userParams, db.fn.now().toString(), db.client.dialect, db("customers").where("a", 1).toString()];
	}),
	inShop("many at once", async (db) => {
		const inserted = await Promise.all(
			Array.from({ length: 100 }, (_, index) => db("orders").insert({ customer_id: index, total: index })),
		);
		const counts = await Promise.all(Array.from({ length: 20 }, () => db("orders").count("* as n").first()));
		return [inserted.flat().sort((a, b) => a - b), counts];
	}),
];
