// Promises of Kysely on the store beyond Kysely's own.

import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { Kysely, sql } from "kysely";
import { dataStore } from "rootcellar";
import { RootcellarDialect } from "rootcellar/kysely";
import { describe, expect, onTestFinished, test } from "vitest";
import { rejection } from "../../helpers/errors.mjs";
import { temporaryStore } from "../../helpers/store.mjs";

const IDLE_LIMIT_MS = 5_000;

const load = createRequire(import.meta.url);

/** Kysely on a new store with a table. */
async function items(idleTimeoutMs) {
	const store = temporaryStore();
	const db = new Kysely({ dialect: new RootcellarDialect({ dataStore: store, idleTimeoutMs }) });
	onTestFinished(() => db.destroy());
	await db.schema
		.createTable("item")
		.addColumn("id", "integer", (column) => column.primaryKey())
		.addColumn("name", "text")
		.execute();
	return { store, db };
}

const add = (db, name) => db.insertInto("item").values({ name }).execute();
const names = async (db) => (await db.selectFrom("item").select("name").execute()).map(({ name }) => name);

describe("the store", () => {
	test("without one it is the process-wide one", () => {
		expect(new RootcellarDialect().store).toBe(dataStore);
	});

	test("destroy leaves it open, and rolls back what is open", async () => {
		const { db, store } = await items();
		const trx = await db.startTransaction().execute();
		await add(trx, "open");
		await db.destroy();
		await store.appData.set({ key: "a", value: 1 });
		expect(await store.sqlite.all("SELECT name FROM item")).toEqual([]);
	});

	test("destroy lets nothing of an open transaction run outside of it", async () => {
		for (const pragma of ["ON", "OFF"]) {
			const { db, store } = await items();
			await sql`PRAGMA foreign_keys = ${sql.raw(pragma)}`.execute(db);
			const trx = await db.startTransaction().execute();
			await add(trx, "open");
			await db.destroy();
			expect((await rejection(() => add(trx, "late"))).code).toBe("ERR_TRANSACTION_CLOSED");
			expect((await rejection(() => trx.commit().execute())).code).toBe("ERR_TRANSACTION_CLOSED");
			await trx.rollback().execute();
			expect(await store.sqlite.all("SELECT name FROM item")).toEqual([]);
		}
	});

	test("destroy refuses what waits for the connection that another uses", async () => {
		const { db, store } = await items();
		await sql`PRAGMA foreign_keys = OFF`.execute(db);
		const trx = await db.startTransaction().execute();
		await add(trx, "open");
		const waiting = [add(db, "waits"), names(db)].map((query) => rejection(() => query));
		await sleep(10);
		await db.destroy();
		for (const { code } of await Promise.all(waiting)) expect(code).toBe("ERR_STORE_CLOSED");
		expect(await store.sqlite.all("SELECT name FROM item")).toEqual([]);
	});

	test("what is no store is refused", () => {
		for (const config of [{ dataStore: {} }, null, "file"]) {
			expect(() => new RootcellarDialect(config)).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
		}
	});

	test("its own tables are left out of the introspection, unless they are asked for", async () => {
		const { db } = await items();
		const tables = async (options) => (await db.introspection.getTables(options)).map(({ name }) => name);
		expect(await tables()).toEqual(["item"]);
		expect(await tables({ withInternalKyselyTables: true })).toContain("__rootapp_kv");
	});

	test("CommonJS has a dialect of its copy of Kysely", async () => {
		const { RootcellarDialect: Required } = load("rootcellar/kysely");
		const { Kysely: RequiredKysely } = load("kysely");
		const db = new RequiredKysely({ dialect: new Required({ dataStore: temporaryStore() }) });
		onTestFinished(() => db.destroy());
		await db.schema.createTable("item").addColumn("id", "integer").execute();
		expect((await db.introspection.getTables()).map(({ name }) => name)).toEqual(["item"]);
	});
});

describe("beside the key-value store", () => {
	test("writes issued together, through Kysely and through appData, are all there", async () => {
		const { db, store } = await items();
		const numbers = Array.from({ length: 300 }, (_, index) => index);
		await Promise.all(
			numbers.flatMap((n) => [add(db, `${n}`), store.appData.update("count", (count) => count + 1, 0)]),
		);
		expect(await names(db)).toEqual(numbers.map(String));
		expect(await store.appData.get("count")).toBe(300);
	});

	test("a transaction holds other writes back until it has ended, and reads go on", async () => {
		const { db, store } = await items();
		const order = [];
		let begun;
		const isOpen = new Promise((resolve) => (begun = resolve));
		const inside = db.transaction().execute(async (trx) => {
			await add(trx, "in");
			expect(await names(db)).toEqual([]);
			begun();
			await sleep(20);
			await add(trx, "in, too");
			order.push("in");
		});
		await isOpen;
		const outside = [add(db, "out"), store.appData.set({ key: "a", value: 1 })];
		await Promise.all([inside, ...outside.map((write) => write.then(() => order.push("out")))]);
		expect(order).toEqual(["in", "out", "out"]);
		expect(await names(db)).toEqual(["in", "in, too", "out"]);
	});
});

describe("a transaction", () => {
	test("refuses at once the writes of its callback that go past it, and goes on", async () => {
		const { db, store } = await items();
		for (const name of ["first", "second"]) {
			await db.transaction().execute(async (trx) => {
				await add(trx, name);
				for (const past of [
					() => add(db, "past"),
					() => db.transaction().execute((other) => add(other, "past")),
					() => db.startTransaction().execute(),
					() => store.appData.set({ key: "a", value: 1 }),
					() => store.sqlite.run("DELETE FROM item"),
				]) {
					expect((await rejection(past)).code).toBe("ERR_IN_TRANSACTION");
				}
				await sleep(1);
				expect((await rejection(() => add(db, "past"))).code).toBe("ERR_IN_TRANSACTION");
			});
		}
		await add(db, "after");
		expect(await names(db)).toEqual(["first", "second", "after"]);
	});

	test("refuses at once all that goes past it where foreign keys were switched off before, and goes on", async () => {
		const { db } = await items();
		await sql`PRAGMA foreign_keys = OFF`.execute(db);
		await db.transaction().execute(async (trx) => {
			await add(trx, "in");
			for (const past of [() => add(db, "past"), () => names(db), () => db.startTransaction().execute()]) {
				expect((await rejection(past)).code).toBe("ERR_IN_TRANSACTION");
			}
			await add(trx, "in, too");
		});
		await Promise.all([add(db, "after"), db.transaction().execute((trx) => add(trx, "after"))]);
		await sql`PRAGMA foreign_keys = ON`.execute(db);
		expect(await names(db)).toEqual(["in", "in, too", "after", "after"]);
	});

	test("refuses nothing of those that run beside it, from its beginning to its end", async () => {
		const { db } = await items();
		let isOver = false;
		const beside = (async () => {
			const written = [];
			while (!isOver) {
				written.push(add(db, "beside"));
				await sleep(1);
			}
			await Promise.all(written);
			return written.length;
		})();
		for (let n = 0; n < 20; n++) {
			await db.transaction().execute(async (trx) => {
				await add(trx, "in");
				await sleep(1);
			});
			await add(db, "between");
		}
		isOver = true;
		const counted = await names(db);
		expect(counted.filter((name) => name !== "beside")).toEqual(Array(20).fill(["in", "between"]).flat());
		expect(await beside).toBeGreaterThan(5);
	});

	test("lets what its callback has left behind write when it has ended, also if it failed", async () => {
		const { db } = await items();
		let isOver = false;
		const left = [];
		const leaveBehind = async (name) => {
			while (!isOver) await new Promise(setImmediate);
			await add(db, name);
		};
		for (const failure of [undefined, new Error("mine")]) {
			isOver = false;
			const ended = db.transaction().execute(async (trx) => {
				await add(trx, `in ${failure}`);
				left.push(leaveBehind(`behind ${failure}`));
				isOver = true;
				if (failure) throw failure;
			});
			expect(await ended.catch((error) => error)).toBe(failure);
			await Promise.all(left);
		}
		expect(await names(db)).toEqual(["in undefined", "behind undefined", "behind Error: mine"]);
	});

	test("without a callback that waits for a write past it is rolled back after its idle time", async () => {
		const { db } = await items(IDLE_LIMIT_MS);
		const trx = await db.startTransaction().execute();
		await add(trx, "in");
		await add(db, "past");
		expect((await rejection(() => trx.commit().execute())).code).toMatch(/^ERR_TRANSACTION_/);
		expect(await names(db)).toEqual(["past"]);
	});

	test("does so where foreign keys were switched off before, too", async () => {
		const { db } = await items(IDLE_LIMIT_MS);
		await sql`PRAGMA foreign_keys = OFF`.execute(db);
		const trx = await db.startTransaction().execute();
		await add(trx, "in");
		await add(db, "past");
		expect((await rejection(() => trx.commit().execute())).code).toMatch(/^ERR_TRANSACTION_/);
		await trx.rollback().execute();
		await add(db, "next");
		expect(await names(db)).toEqual(["past", "next"]);
	});

	test("that is abandoned runs nothing outside of it", async () => {
		const { db, store } = await items(IDLE_LIMIT_MS);
		const trx = await db.startTransaction().execute();
		await add(trx, "in");
		await store.appData.set({ key: "behind", value: "what was abandoned" });
		expect((await rejection(() => add(trx, "late"))).code).toMatch(/^ERR_TRANSACTION_/);
		expect((await rejection(() => trx.commit().execute())).code).toMatch(/^ERR_TRANSACTION_/);
		await add(db, "next");
		expect(await names(db)).toEqual(["next"]);
	});

	test("whose COMMIT fails is rolled back, and the next one works", async () => {
		const { db } = await items();
		await sql`CREATE TABLE part (item_id INTEGER REFERENCES item(id) DEFERRABLE INITIALLY DEFERRED)`.execute(db);
		const failed = db.transaction().execute((trx) => trx.insertInto("part").values({ item_id: 9 }).execute());
		expect((await rejection(() => failed)).code).toBe("SQLITE_CONSTRAINT_FOREIGNKEY");
		await db.transaction().execute((trx) => add(trx, "next"));
		expect([await db.selectFrom("part").selectAll().execute(), await names(db)]).toEqual([[], ["next"]]);
	});

	test("that SQLite itself has rolled back commits nothing behind it, and the next one works", async () => {
		const { db, store } = await items();
		await sql`CREATE UNIQUE INDEX names ON item (name)`.execute(db);
		await add(db, "there");
		const failed = db.transaction().execute(async (trx) => {
			await add(trx, "before");
			await rejection(() => sql`INSERT OR ROLLBACK INTO item (name) VALUES ('there')`.execute(trx));
			expect(await rejection(() => add(trx, "behind"))).toMatchObject({ code: "ERR_TRANSACTION_LOST" });
		});
		await expect(failed).rejects.toMatchObject({ code: "ERR_TRANSACTION_LOST" });
		await db.transaction().execute((trx) => add(trx, "next"));
		expect(await store.sqlite.all("SELECT name FROM item")).toEqual([{ name: "there" }, { name: "next" }]);
	});

	test("has temporary tables, for as long as it lasts", async () => {
		const { db } = await items();
		const rows = await db.transaction().execute(async (trx) => {
			await trx.schema.createTable("scratch").temporary().addColumn("n", "integer").execute();
			await trx.insertInto("scratch").values({ n: 1 }).execute();
			return trx.selectFrom("scratch").selectAll().execute();
		});
		expect(rows).toEqual([{ n: 1 }]);
		const outside = rejection(() => db.schema.createTable("scratch").temporary().addColumn("n", "integer").execute());
		expect((await outside).code).toBe("ERR_SQL_FORBIDDEN");
	});

	test("takes the write lock at once, unless it only reads", async () => {
		const { db, store } = await items();
		const reading = await db.startTransaction().setAccessMode("read only").execute();
		expect(await names(reading)).toEqual([]);
		await reading.rollback().execute();
		const trx = await db.startTransaction().execute();
		expect(await names(trx)).toEqual([]);
		await trx.commit().execute();
		expect(await store.appData.get("a")).toBeUndefined();
	});
});

test("booleans and dates can be bound: 0 or 1, and milliseconds", async () => {
	const { db } = await items();
	const bound = sql`SELECT ${true} AS yes, ${false} AS no, ${new Date(1_700_000_000_000)} AS at`;
	expect((await bound.execute(db)).rows).toEqual([{ yes: 1, no: 0, at: 1_700_000_000_000 }]);
});
