// Scenarios of Knex's transactions, as [name, scenario].

async function table(db) {
	await db.schema.createTable("items", (columns) => {
		columns.increments("id");
		columns.string("name").unique();
	});
	await db("items").insert({ name: "first" });
}

const inTable = (name, scenario) => [
	name,
	async (db, failure) => {
		await table(db);
		const seen = await scenario(db, failure);
		return [seen, await db("items").select().orderBy("id")];
	},
];

export const scenarios = [
	inTable("a callback that resolves commits, and its value is the transaction's", async (db) =>
		db.transaction(async (trx) => {
			await trx("items").insert({ name: "second" });
			return trx("items").count("* as n").first();
		}),
	),
	inTable("a callback that throws rolls back, with that very error", async (db) => {
		const own = new Error("mine");
		const caught = await db
			.transaction(async (trx) => {
				await trx("items").insert({ name: "second" });
				throw own;
			})
			.catch((error) => error);
		return caught === own;
	}),
	inTable("a statement that fails rolls back when it is not caught", (db, failure) =>
		failure(
			db.transaction(async (trx) => {
				await trx("items").insert({ name: "second" });
				await trx("items").insert({ name: "first" });
			}),
		),
	),
	inTable("a statement that fails and is caught leaves the rest", (db, failure) =>
		db.transaction(async (trx) => {
			const refused = await failure(trx("items").insert({ name: "first" }));
			await trx("items").insert({ name: "second" });
			return refused;
		}),
	),
	inTable("without a callback: commit, rollback, isCompleted, executionPromise", async (db, failure) => {
		const one = await db.transaction();
		await one("items").insert({ name: "second" });
		const before = one.isCompleted();
		await one.commit("value");
		const other = await db.transaction();
		await other("items").insert({ name: "third" });
		await other.rollback();
		const refused = await db.transaction(undefined, { doNotRejectOnRollback: false });
		const rejected = refused.executionPromise.catch((error) => error.message);
		await refused.rollback(new Error("as asked"));
		return [
			before,
			one.isCompleted(),
			await one.executionPromise,
			other.isCompleted(),
			await rejected,
			await failure(one("items").select()),
		];
	}),
	inTable("transacting, and a query of the outside made part of it", (db) =>
		db.transaction(async (trx) => {
			await db("items").insert({ name: "second" }).transacting(trx);
			return db("items").transacting(trx).pluck("name");
		}),
	),
	[
		"statements issued together all take effect; sqlite3 runs them in any order",
		async (db) => {
			await table(db);
			await db.transaction((trx) => Promise.all(["b", "c", "d", "e"].map((name) => trx("items").insert({ name }))));
			return db("items").orderBy("name").pluck("name");
		},
	],
	inTable("nested: what commits within stays, what is rolled back within goes", (db, failure) =>
		db.transaction(async (trx) => {
			await trx.transaction(async (inner) => inner("items").insert({ name: "kept" }));
			const undone = await failure(
				trx.transaction(async (inner) => {
					await inner("items").insert({ name: "undone" });
					await inner.transaction(async (innermost) => innermost("items").insert({ name: "deep" }));
					throw new Error("undo");
				}),
			);
			const savepoint = await trx.savepoint(async (inner) => inner("items").insert({ name: "saved" }));
			return [undone, savepoint, await trx("items").pluck("name")];
		}),
	),
	inTable("nested: an outer rollback takes the inner with it", async (db, failure) =>
		failure(
			db.transaction(async (trx) => {
				await trx.transaction(async (inner) => inner("items").insert({ name: "inner" }));
				throw new Error("outer");
			}),
		),
	),
	inTable("a transaction provider begins once", async (db) => {
		const provide = db.transactionProvider();
		const one = await provide();
		const two = await provide();
		await one("items").insert({ name: "second" });
		await two.commit();
		return one === two;
	}),
	inTable("a change of the schema is rolled back", async (db) => {
		await db
			.transaction(async (trx) => {
				await trx.schema.createTable("others", (columns) => columns.increments());
				await trx.schema.alterTable("items", (columns) => columns.integer("size"));
				throw new Error("no");
			})
			.catch(() => {});
		return [await db.schema.hasTable("others"), await db.schema.hasColumn("items", "size")];
	}),
	inTable("a stream within a transaction sees what it wrote", (db) =>
		db.transaction(async (trx) => {
			await trx("items").insert({ name: "second" });
			const names = [];
			for await (const row of trx("items").stream()) names.push(row.name);
			return names;
		}),
	),
	inTable("several transactions after each other and at once", async (db) => {
		const add = (name) =>
			db.transaction(async (trx) => {
				const { n } = await trx("items").count("* as n").first();
				await trx("items").insert({ name: `${name}${n}` });
				if (name === "bad") throw new Error("bad");
				return n;
			});
		return Promise.allSettled(["a", "bad", "b", "c"].map(add)).then((results) =>
			results.map(({ status, value, reason }) => value ?? `${status}: ${reason?.message}`),
		);
	}),
	inTable(
		"enforceForeignCheck: switched off for a transaction, checked at its end, and on again",
		async (db, failure) => {
			await db.raw("PRAGMA foreign_keys = ON");
			await db.schema.createTable("parts", (columns) => columns.integer("item_id").references("items.id"));
			await db.transaction(
				async (trx) => {
					await trx("parts").insert({ item_id: 9 });
					await trx("items").insert({ id: 9, name: "ninth" });
				},
				{ enforceForeignCheck: false },
			);
			const violated = await failure(
				db.transaction((trx) => trx("parts").insert({ item_id: 10 }), { enforceForeignCheck: false }),
			);
			await new Promise((resolve) => setTimeout(resolve, 20));
			return [
				violated,
				await db.raw("PRAGMA foreign_keys"),
				await db("parts"),
				await failure(db("parts").insert({ item_id: 11 })),
			];
		},
	),
	inTable("plain BEGIN and ROLLBACK, statement by statement", async (db) => {
		await db.raw("BEGIN");
		await db("items").insert({ name: "second" });
		const within = await db("items").pluck("name");
		await db.raw("ROLLBACK");
		await db.raw("BEGIN IMMEDIATE");
		await db("items").insert({ name: "third" });
		await db.raw("COMMIT");
		return within;
	}),
];
