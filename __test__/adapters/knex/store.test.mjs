// Promises of Knex on the store beyond Knex's own: which store, what happens beside the key-value store,
// and what an open transaction can do to others.

import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import knex from "knex";
import { openDataStore } from "rootcellar";
import RootcellarClient, { RootcellarClient as byName } from "rootcellar/knex";
import { describe, expect, onTestFinished, test } from "vitest";
import { runModuleForJson } from "../../helpers/child.mjs";
import { expectNoSecret, rejection, SECRET } from "../../helpers/errors.mjs";
import { temporaryFile, temporaryStore } from "../../helpers/store.mjs";

const IDLE_LIMIT_MS = 5_000;

const silent = { warn() {}, error() {}, deprecate() {}, debug() {} };

/** Knex on a connection, by default a new store; destroyed when the test ends. */
function connect(connection = temporaryStore(), settings = {}) {
	const db = knex({ client: RootcellarClient, connection, useNullAsDefault: true, log: silent, ...settings });
	onTestFinished(() => db.destroy());
	return db;
}

/** A store with Knex on it, and a table. */
async function items(settings, idleTimeoutMs) {
	const store = temporaryStore();
	const db = connect({ dataStore: store, idleTimeoutMs }, settings);
	await db.schema.createTable("items", (table) => {
		table.increments("id");
		table.string("name").unique();
	});
	return { store, db };
}

describe("the store", () => {
	test("without a connection it is the process-wide one, which destroy leaves open", async () => {
		const entry = (name) => JSON.stringify(fileURLToPath(import.meta.resolve(name)));
		const program = `
			import { createRequire } from "node:module";
			const load = createRequire(import.meta.url);
			const db = load(${entry("knex")})({ client: load(${entry("rootcellar/knex").replace("knex.mjs", "knex.js")}), useNullAsDefault: true });
			await db.schema.createTable("items", (table) => table.increments("id"));
			await db("items").insert({ id: 7 });
			await db.destroy();
			await dataStore.appData.set({ key: "a", value: await dataStore.sqlite.all("SELECT id FROM items") });
			console.log(JSON.stringify(await dataStore.appData.get("a")));
			await dataStore.close();
		`;
		const DATABASE_CONFIG = JSON.stringify({ databaseType: "sqlite3", sqlite3: { filename: temporaryFile() } });
		expect(await runModuleForJson(program, { env: { DATABASE_CONFIG } })).toEqual([{ id: 7 }]);
	});

	test("it is one that was opened: by itself, as dataStore, or from a function", async () => {
		const store = temporaryStore();
		const one = connect(store);
		const two = connect({ dataStore: store });
		const three = connect(async () => ({ dataStore: store }));
		await one.schema.createTable("items", (table) => table.increments("id"));
		await two("items").insert({ id: 1 });
		expect(await three("items").select()).toEqual([{ id: 1 }]);
		await Promise.all([one.destroy(), two.destroy(), three.destroy()]);
		expect(await store.sqlite.all("SELECT id FROM items")).toEqual([{ id: 1 }]);
	});

	test("it is opened for a file name, and closed by destroy", async () => {
		const filename = temporaryFile();
		for (const connection of [{ filename }, filename]) {
			const db = connect(connection);
			await db.schema.createTableIfNotExists("items", (table) => table.increments("id"));
			expect(await db("items").insert({})).toHaveLength(1);
			await db.destroy();
			expect(existsSync(`${filename}-wal`)).toBe(false);
		}
		const store = openDataStore({ filename, backup: false });
		onTestFinished(() => store.close());
		expect(await store.sqlite.get("SELECT count(*) AS n FROM items")).toEqual({ n: 2 });
	});

	test("a file name of the wrong type is refused", async () => {
		const error = await rejection(() => connect({ filename: 7 }).raw("SELECT 1").then());
		expect(error.message).toContain("connection.filename must be a string");
	});

	test("the class has a name, too", () => {
		expect(byName).toBe(RootcellarClient);
	});

	test("destroy, then initialize: it goes on", async () => {
		const { db } = await items();
		await db.destroy();
		expect((await rejection(() => db("items").then((rows) => rows))).message).toContain(
			"Unable to acquire a connection",
		);
		db.initialize();
		expect(await db("items").select()).toEqual([]);
	});

	test("pool.afterCreate is given the methods that it expects", async () => {
		const seen = [];
		const afterCreate = (connection, done) =>
			connection.run("PRAGMA foreign_keys = ON", (failed) => {
				connection.get("SELECT ? AS one", [1], (error, row) => {
					seen.push(failed, error, row);
					connection.all("SELEC", (problem) => done(problem?.code === "SQLITE_ERROR" ? null : problem, connection));
				});
			});
		const { db } = await items({ pool: { afterCreate } });
		await db("items").insert({ name: "a" });
		expect(seen.slice(0, 3)).toEqual([null, null, { one: 1 }]);
	});
});

describe("beside the key-value store", () => {
	test("writes issued together, through Knex and through appData, are all there", async () => {
		const { db, store } = await items();
		const numbers = Array.from({ length: 300 }, (_, index) => index);
		await Promise.all(
			numbers.flatMap((n) => [
				db("items").insert({ name: `${n}` }),
				store.appData.update("count", (count) => count + 1, 0),
			]),
		);
		expect(await db("items").count("* as n")).toEqual([{ n: 300 }]);
		expect(await store.appData.get("count")).toBe(300);
	});

	test("a transaction holds other writes back until it has ended, and reads go on", async () => {
		const { db, store } = await items();
		const trx = await db.transaction();
		await trx("items").insert({ name: "in" });
		expect(await db("items").pluck("name")).toEqual([]);
		const order = [];
		const outside = db("items")
			.insert({ name: "out" })
			.then(() => order.push("outside"));
		const key = store.appData.set({ key: "a", value: 1 }).then(() => order.push("key"));
		await trx("items").insert({ name: "in, too" });
		expect(order).toEqual([]);
		await trx.commit();
		await Promise.all([outside, key]);
		expect(order.sort()).toEqual(["key", "outside"]);
		expect(await db("items").orderBy("id").pluck("name")).toEqual(["in", "in, too", "out"]);
	});

	test("in the callback of a transaction, a write that goes past it rejects at once, and it goes on", async () => {
		const { db, store } = await items();
		await db.transaction(async (trx) => {
			await trx("items").insert({ name: "kept" });
			for (const past of [
				() => db("items").insert({ name: "past" }).then(),
				() => db.transaction(async (other) => other("items").insert({ name: "past" })).then(),
				() => store.appData.set({ key: "a", value: 1 }),
				() => store.sqlite.run("DELETE FROM items"),
			]) {
				expect((await rejection(past)).code).toBe("ERR_IN_TRANSACTION");
			}
			expect(await db("items").pluck("name")).toEqual([]);
		});
		await db("items").insert({ name: "after" });
		expect(await db("items").orderBy("id").pluck("name")).toEqual(["kept", "after"]);
	});

	test("where foreign keys were switched off before, all that goes past it rejects at once, and it goes on", async () => {
		const { db } = await items();
		await db.raw("PRAGMA foreign_keys = OFF");
		await db.transaction(async (trx) => {
			await trx("items").insert({ name: "kept" });
			for (const past of [
				() => db("items").insert({ name: "past" }).then(),
				() => db("items").then((rows) => rows),
				() => db.transaction(async (other) => other("items").insert({ name: "past" })).then(),
			]) {
				expect((await rejection(past)).code).toBe("ERR_IN_TRANSACTION");
			}
			expect(db.client.pool.numUsed()).toBe(1);
		});
		await db("items").insert({ name: "after" });
		await db.raw("PRAGMA foreign_keys = ON");
		expect(await db("items").orderBy("id").pluck("name")).toEqual(["kept", "after"]);
	});
});

test("what the callback of a transaction has left behind writes when it has ended, also with foreign keys off", async () => {
	const { db } = await items();
	for (const pragma of ["ON", "OFF"]) {
		await db.raw(`PRAGMA foreign_keys = ${pragma}`);
		let isOver = false;
		let left;
		await db.transaction(async (trx) => {
			left = (async () => {
				while (!isOver) await sleep(1);
				await Promise.all([1, 2, 3].map((n) => db("items").insert({ name: `${pragma} ${n}` })));
			})();
			await trx.transaction((nested) => nested("items").insert({ name: `in, ${pragma}` }));
		});
		isOver = true;
		await left;
	}
	expect(await db("items").count("* as n")).toEqual([{ n: 8 }]);
});

describe("a transaction", () => {
	test("that is abandoned is rolled back, says so, and nothing of it runs outside of it", async () => {
		const { db } = await items({}, IDLE_LIMIT_MS);
		const trx = await db.transaction();
		await trx("items").insert({ name: "abandoned" });
		await db("items").insert({ name: "waited" });
		for (const late of [() => trx("items").insert({ name: "late" }).then(), () => trx("items").then((rows) => rows)]) {
			expect((await rejection(late)).code).toMatch(/^ERR_TRANSACTION_/);
		}
		await trx.rollback();
		expect(await db("items").pluck("name")).toEqual(["waited"]);
	});

	test("that is abandoned does not commit", async () => {
		const { db, store } = await items({}, IDLE_LIMIT_MS);
		const trx = await db.transaction();
		await trx("items").insert({ name: "abandoned" });
		await store.appData.set({ key: "behind", value: "what was abandoned" });
		await trx.commit();
		expect((await rejection(() => trx.executionPromise)).code).toMatch(/^ERR_TRANSACTION_/);
		expect(await db("items").select()).toEqual([]);
	});

	test("that is abandoned where foreign keys were switched off before lets what waits for it go on", async () => {
		const { db } = await items({}, IDLE_LIMIT_MS);
		await db.raw("PRAGMA foreign_keys = OFF");
		const trx = await db.transaction();
		await trx("items").insert({ name: "abandoned" });
		await db("items").insert({ name: "waited" });
		expect((await rejection(() => trx("items").insert({ name: "late" }).then())).code).toMatch(/^ERR_TRANSACTION_/);
		await trx.rollback();
		expect(await db("items").pluck("name")).toEqual(["waited"]);
	});

	test("whose COMMIT fails is rolled back, and the next one works", async () => {
		const { db } = await items();
		await db.raw("CREATE TABLE parts (item_id INTEGER REFERENCES items(id) DEFERRABLE INITIALLY DEFERRED)");
		const failed = await rejection(() => db.transaction((trx) => trx("parts").insert({ item_id: 99 })).then());
		expect(failed.code).toBe("SQLITE_CONSTRAINT_FOREIGNKEY");
		await db.transaction((trx) => trx("items").insert({ name: "next" }));
		expect([await db("parts").select(), await db("items").pluck("name")]).toEqual([[], ["next"]]);
	});

	test("a state that a plain statement has set is lost when it is idle for too long, and later ones work", async () => {
		const { db, store } = await items({}, IDLE_LIMIT_MS);
		await db.raw("PRAGMA foreign_keys = OFF");
		await store.appData.set({ key: "behind", value: "what was abandoned" });
		expect((await rejection(() => db("items").insert({ name: "first" }).then())).code).toMatch(/^ERR_TRANSACTION_/);
		await db("items").insert({ name: "second" });
		expect(await db.raw("PRAGMA foreign_keys")).toEqual([{ foreign_keys: 1 }]);
		expect(await db("items").pluck("name")).toEqual(["second"]);
	});
});

describe("queries", () => {
	test("statements issued together keep their order, in a transaction and outside of one", async () => {
		const { db } = await items();
		const names = Array.from({ length: 50 }, (_, index) => `${index}`);
		await db.transaction((trx) => Promise.all(names.map((name) => trx("items").insert({ name }))));
		await Promise.all(names.map((name) => db("items").insert({ name: `outside ${name}` })));
		const expected = [...names, ...names.map((name) => `outside ${name}`)];
		expect(await db("items").orderBy("id").pluck("name")).toEqual(expected);
	});

	test("a stream that is left early stops reading", async () => {
		const { db, store } = await items();
		await store.sqlite.run(
			"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) INSERT INTO items (name) SELECT i FROM n",
		);
		let asked = 0;
		const iterate = store.sqlite.iterate;
		store.sqlite.iterate = (...args) => {
			const rows = iterate(...args);
			const next = rows.next.bind(rows);
			rows.next = () => {
				asked++;
				return next();
			};
			return rows;
		};
		const stream = db("items").select("name").stream();
		for await (const { name } of stream) if (name === "10") break;
		for (let before = -1; before !== asked; ) {
			before = asked;
			await sleep(50);
		}
		expect(asked).toBeLessThan(1_000);
		expect(await db("items").count("* as n")).toEqual([{ n: 100_000 }]);
	});

	test("one that takes too long is interrupted where that is asked for, and the next one works", async () => {
		const { db } = await items();
		const endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
		const slow = () =>
			db
				.select("*")
				.from(db.raw(`(${endless})`))
				.timeout(50, { cancel: true });
		expect((await rejection(() => slow().then())).message).toBe(
			"Defined query timeout of 50ms exceeded when running query.",
		);
		await db.transaction(async (trx) => {
			await trx("items").insert({ name: "kept" });
			await rejection(() => slow().transacting(trx).then());
		});
		expect(await db("items").pluck("name")).toEqual(["kept"]);
		await db.transaction(async (trx) => {
			const late = rejection(() => slow().transacting(trx).then());
			await trx("items").insert({ name: "in time" }).timeout(300_000, { cancel: true });
			expect((await late).message).toContain("timeout of 50ms exceeded");
		});
		expect(await db("items").pluck("name")).toEqual(["kept", "in time"]);
	});

	test("behind a query that was interrupted in a transaction nothing is committed", async () => {
		const { db } = await items();
		const endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";
		const failed = db.transaction(async (trx) => {
			await trx("items").insert({ name: "before" });
			await rejection(() => trx.raw(`INSERT INTO items (name) ${endless}`).timeout(50, { cancel: true }).then());
			const behind = await rejection(() => trx("items").insert({ name: "behind" }).then());
			expect(behind.code).toBe("ERR_TRANSACTION_LOST");
		});
		expect(await rejection(() => failed.then())).toMatchObject({ code: "ERR_TRANSACTION_LOST" });
		await db.transaction((trx) => trx("items").insert({ name: "next" }));
		expect(await db("items").pluck("name")).toEqual(["next"]);
	});

	test("a transaction that SQLite has rolled back leaves nothing waiting, also where foreign keys are off", async () => {
		const { db, store } = await items();
		await db("items").insert({ name: "there" });
		await db.raw("PRAGMA foreign_keys = OFF");
		const statement = "INSERT OR ROLLBACK INTO items (name) VALUES ('there')";
		const error = await rejection(() => db.transaction((trx) => trx.raw(statement)).then());
		expect(error.code).toBe("SQLITE_CONSTRAINT_UNIQUE");
		expect(await db.raw("PRAGMA foreign_keys")).toEqual([{ foreign_keys: 0 }]);
		await db.raw("PRAGMA foreign_keys = ON");
		const began = performance.now();
		await store.appData.set({ key: "k", value: 1 });
		await db.destroy();
		// Not the idle limit of a reserved connection.
		expect(performance.now() - began).toBeLessThan(20_000);
	});

	test("an integer that no number holds rejects, or is a bigint where that is asked for", async () => {
		const { db } = await items();
		const query = () => db.select(db.raw("9007199254740993 AS n"));
		expect(await rejection(() => query().then((rows) => rows))).toMatchObject({
			name: "RangeError",
			code: "ERR_INEXACT_INTEGER",
		});
		expect(await query().options({ safeIntegers: true })).toEqual([{ n: 9007199254740993n }]);
	});

	test("errors have SQLite's code and the place, and no values where Knex is told to leave them out", async () => {
		const { db } = await items({ compileSqlOnError: false });
		await db("items").insert({ name: SECRET });
		const error = await rejection(() => db("items").insert({ name: SECRET }).then());
		expect(error.code).toBe("SQLITE_CONSTRAINT_UNIQUE");
		expectNoSecret(error);
		expect(await rejection(() => db.raw("SELECT nothing FROM items").then())).toMatchObject({
			code: "SQLITE_ERROR",
			position: 7,
		});
	});
});
