// Drizzle's documented behaviour on SQLite through `rootcellar/drizzle`: each statement runs on its original driver for
// better-sqlite3, too, and gives the same. Drizzle publishes no suite that other drivers could run, so that these
// statements are written after its documentation.

import { copyFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import * as orm from "drizzle-orm";
import { eq, sql } from "drizzle-orm";
import { drizzle as drizzleBetterSqlite3 } from "drizzle-orm/better-sqlite3";
import { migrate as migrateBetterSqlite3 } from "drizzle-orm/better-sqlite3/migrator";
import { integer, sqliteTable } from "drizzle-orm/sqlite-core";
import { dataStore, openDataStore, RootcellarError } from "rootcellar";
import { drizzle, migrate } from "rootcellar/drizzle";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { compatibility } from "../../docs/compatibility.mjs";
import { expectArgumentError } from "../../helpers/errors.mjs";
import { temporaryDirectory, temporaryFile, temporaryStore } from "../../helpers/store.mjs";
import * as scenarios from "./scenarios.mjs";
import { cities, SCHEMA_SQL, schema, users } from "./schema.mjs";

const folder = mkdtempSync(join(tmpdir(), "rootcellar-drizzle-"));
const template = join(folder, "template.sqlite3");
beforeAll(async () => {
	const store = openDataStore({ filename: template, backup: false });
	await store.sqlite.exec(SCHEMA_SQL);
	await store.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A file that holds the tables of the schema, and some rows. */
function filledFile() {
	const filename = temporaryFile();
	copyFileSync(template, filename);
	return filename;
}

function temporaryDatabase(config) {
	return drizzle(temporaryStore(filledFile()), { schema, ...config });
}

function originalDatabase() {
	const file = new Database(filledFile());
	onTestFinished(() => file.close());
	return drizzleBetterSqlite3(file, { schema });
}

/** Runs a generator that yields results which are there at once. */
function runAtOnce(generator) {
	const inTransaction = (db, inner, config) => db.transaction((tx) => drive(inner(tx)), config);
	const drive = (steps) => {
		let step = steps.next();
		while (!step.done) step = steps.next(step.value);
		return step.value;
	};
	return drive(generator(inTransaction));
}

/** Runs a generator that yields promises. */
function runPromised(generator) {
	const inTransaction = (db, inner, config) => db.transaction((tx) => drive(inner(tx)), config);
	const drive = async (steps) => {
		let step = steps.next();
		while (!step.done) {
			const settled = await Promise.resolve(step.value).then(
				(value) => ({ value }),
				(error) => ({ error }),
			);
			step = "error" in settled ? steps.throw(settled.error) : steps.next(settled.value);
		}
		return step.value;
	};
	return drive(generator(inTransaction));
}

describe("the same as Drizzle on better-sqlite3:", () => {
	const areas = Object.entries(scenarios).filter(([, list]) => Array.isArray(list));
	let passed = 0;
	afterAll(() => console.log(`rootcellar/drizzle beside drizzle-orm/better-sqlite3: ${passed} equal`));

	test("as many as docs/compatibility.md says", () => {
		const total = areas.flatMap(([, list]) => list).length;
		expect(compatibility).toContain(`${total} statements and groups of statements of our own`);
	});

	describe.each(areas)("%s:", (_, list) => {
		test.each(list)("%s", async (_title, scenario) => {
			const expected = await scenario(originalDatabase(), runAtOnce);
			expect(await scenario(temporaryDatabase(), runPromised)).toStrictEqual(expected);
			passed++;
		});
	});
});

describe("a batch", () => {
	test("gives each statement's result, in its type", async () => {
		const db = temporaryDatabase();
		const results = await db.batch([
			db.insert(cities).values({ id: 9, name: "Oslo" }),
			db.insert(cities).values({ name: "Bern" }).returning(),
			db.select({ name: users.name }).from(users).where(eq(users.id, 1)),
			db.query.users.findFirst({ columns: { verified: true }, where: eq(users.id, 2) }),
			db.query.users.findFirst({ where: eq(users.id, 99) }),
			db.all(sql`select name from cities where id > 8 order by id`),
			db.get(sql`select count(*) as n from cities`),
			db.values(sql`select 1, 2`),
			db.run(sql`delete from cities where id > 8`),
		]);
		expect(results).toStrictEqual([
			{ changes: 1, lastInsertRowid: 9, lastID: 9 },
			[{ id: 10, name: "Bern" }],
			[{ name: "ada" }],
			{ verified: false },
			undefined,
			[{ name: "Oslo" }, { name: "Bern" }],
			{ n: 5 },
			[[1, 2]],
			{ changes: 2, lastInsertRowid: 0, lastID: 0 },
		]);
	});

	test("changes nothing if one of its statements fails", async () => {
		const db = temporaryDatabase();
		const failing = db.batch([db.insert(cities).values({ name: "Oslo" }), db.insert(users).values({ name: "ada" })]);
		await expect(failing).rejects.toMatchObject({ code: "SQLITE_CONSTRAINT_UNIQUE" });
		expect(await db.$count(cities)).toBe(3);
	});
});

describe("a transaction", () => {
	test("holds rows and keys together", async () => {
		const db = temporaryDatabase();
		const both = async (tx) => {
			await tx.insert(cities).values({ name: "Oslo" });
			await tx.appData.set({ key: "last city", value: "Oslo" });
		};
		await db.transaction(both);
		const rolledBack = db.transaction(async (tx) => {
			await both(tx);
			await tx.appData.set({ key: "other", value: 1 });
			tx.rollback();
		});
		await expect(rolledBack).rejects.toThrow(orm.TransactionRollbackError);
		expect(await db.$count(cities)).toBe(4);
		expect(await db.$client.appData.select("%")).toEqual([{ key: "last city", value: "Oslo" }]);
	});

	test("is not mixed with what others issue meanwhile", async () => {
		const db = temporaryDatabase();
		const transactions = Array.from({ length: 5 }, (_, index) =>
			db.transaction(async (tx) => {
				await tx.insert(cities).values({ name: `before ${index}` });
				await tx.insert(cities).values({ name: `after ${index}` });
				if (index % 2 === 1) tx.rollback();
			}),
		);
		const single = Array.from({ length: 5 }, (_, index) => db.insert(cities).values({ name: `single ${index}` }));
		const outcomes = await Promise.allSettled([...transactions, ...single]);
		expect(outcomes.map(({ status }) => status === "fulfilled")).toEqual([
			...[true, false, true, false, true],
			...single.map(() => true),
		]);
		const names = (await db.select({ name: cities.name }).from(cities)).map(({ name }) => name);
		expect(names).toHaveLength(3 + 6 + 5);
		for (const index of [0, 2, 4]) {
			expect(names.indexOf(`after ${index}`)).toBe(names.indexOf(`before ${index}`) + 1);
		}
	});

	test("refuses a write of its callback that goes past it, instead of waiting for itself", async () => {
		const db = temporaryDatabase();
		await db.transaction(async (tx) => {
			const past = db.insert(cities).values({ name: "Oslo" });
			await expect(past.run()).rejects.toMatchObject({ cause: { code: "ERR_IN_TRANSACTION" } });
			await tx.insert(cities).values({ name: "Bern" });
		});
		expect(await db.$count(cities)).toBe(4);
	});

	test("refuses what is done with it while another is open within it", async () => {
		const db = temporaryDatabase();
		await db.transaction(async (tx) => {
			await tx.transaction(async (inner) => {
				await inner.insert(cities).values({ name: "Oslo" });
				const past = tx.insert(cities).values({ name: "lost" });
				await expect(past.run()).rejects.toMatchObject({ cause: { code: "ERR_IN_TRANSACTION" } });
			});
			await tx.insert(cities).values({ name: "Bern" });
		});
		expect(await db.$count(cities)).toBe(5);
	});

	test("takes batches, too", async () => {
		const db = temporaryDatabase();
		const result = await db.transaction((tx) => tx.batch([tx.insert(cities).values({ name: "Oslo" }).returning()]));
		expect(result).toEqual([[{ id: 4, name: "Oslo" }]]);
	});
});

/** A copy of a folder of migrations, each file changed by `change`. */
function changed(folder, change) {
	const copy = temporaryDirectory();
	cpSync(folder, copy, { recursive: true });
	for (const name of readdirSync(copy).filter((name) => name.endsWith(".sql"))) {
		const file = join(copy, name);
		writeFileSync(file, change(readFileSync(file, "utf8")));
	}
	return copy;
}

/** A copy of a folder of migrations that ends with the first of them. */
function beginOf(folder) {
	const copy = changed(folder, (text) => text);
	const journal = join(copy, "meta/_journal.json");
	const { entries, ...rest } = JSON.parse(readFileSync(journal, "utf8"));
	writeFileSync(journal, JSON.stringify({ ...rest, entries: entries.slice(0, 1) }));
	return copy;
}

describe("migrations", () => {
	const migrationsFolder = fileURLToPath(new URL("migrations", import.meta.url));

	test("are applied once, and recorded as Drizzle's own driver does", async () => {
		const store = temporaryStore();
		const db = drizzle(store);
		await migrate(db, { migrationsFolder });
		await migrate(db, { migrationsFolder });
		const file = new Database(temporaryFile());
		onTestFinished(() => file.close());
		migrateBetterSqlite3(drizzleBetterSqlite3(file), { migrationsFolder });
		const ofMigrations = "SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE '\\_\\_%' ESCAPE '\\' ORDER BY name";
		for (const query of [ofMigrations, "SELECT * FROM pragma_table_info('__drizzle_migrations')"]) {
			expect(await store.sqlite.all(query)).toEqual(file.prepare(query).all());
		}
		const applied = "SELECT * FROM __drizzle_migrations";
		const recorded = file.prepare(applied).all();
		expect(recorded).toHaveLength(2);
		expect(await store.sqlite.all(applied)).toEqual(recorded);
	});

	test("of a file that Drizzle's own driver migrated are known", async () => {
		const filename = temporaryFile();
		const file = new Database(filename);
		migrateBetterSqlite3(drizzleBetterSqlite3(file), { migrationsFolder });
		file.close();
		const store = temporaryStore(filename);
		await migrate(drizzle(store), { migrationsFolder });
		expect(await store.sqlite.get("SELECT count(*) AS n FROM __drizzle_migrations")).toEqual({ n: 2 });
	});

	test("that rebuild a table keep the rows that refer to it", async () => {
		const store = temporaryStore();
		const db = drizzle(store);
		await migrate(db, { migrationsFolder: beginOf(migrationsFolder) });
		await store.sqlite.exec(
			"INSERT INTO cities VALUES (1, 'Paris'); INSERT INTO users (name, city_id) VALUES ('ada', 1)",
		);
		await migrate(db, { migrationsFolder });
		expect(await store.sqlite.all("SELECT * FROM users")).toEqual([{ id: 1, name: "ada", city_id: 1 }]);
		expect(await store.sqlite.all("SELECT * FROM cities")).toEqual([{ id: 1, name: "Paris", country: "unknown" }]);
		expect(await store.sqlite.get("PRAGMA foreign_keys")).toEqual({ foreign_keys: 1 });
	});

	test("that would leave a row referring to nothing are not applied", async () => {
		const store = temporaryStore();
		const folder = changed(migrationsFolder, (text) => text.replace("FROM `cities`", "FROM `cities` WHERE 0"));
		await migrate(drizzle(store), { migrationsFolder: beginOf(migrationsFolder) });
		await store.sqlite.exec(
			"INSERT INTO cities VALUES (1, 'Paris'); INSERT INTO users (name, city_id) VALUES ('ada', 1)",
		);
		const failing = migrate(drizzle(store), { migrationsFolder: folder });
		await expect(failing).rejects.toMatchObject({ code: "SQLITE_CONSTRAINT_FOREIGNKEY" });
		expect(await store.sqlite.all("SELECT * FROM cities")).toEqual([{ id: 1, name: "Paris" }]);
		expect(await store.sqlite.get("SELECT count(*) AS n FROM __drizzle_migrations")).toEqual({ n: 1 });
		expect(await store.sqlite.get("PRAGMA foreign_keys")).toEqual({ foreign_keys: 1 });
	});

	test("are applied all or none", async () => {
		const store = temporaryStore();
		const folder = changed(migrationsFolder, (text) => text.replace("RENAME TO", "RENAME NOWHERE"));
		await expect(migrate(drizzle(store), { migrationsFolder: folder })).rejects.toMatchObject({ code: "SQLITE_ERROR" });
		const tables = "SELECT name FROM sqlite_schema WHERE name NOT LIKE '\\_\\_root%' ESCAPE '\\'";
		expect(await store.sqlite.all(tables)).toEqual([]);
		await migrate(drizzle(store), { migrationsFolder });
	});

	test("that two begin at once are applied by one", async () => {
		const filename = temporaryFile();
		const stores = [temporaryStore(filename), temporaryStore(filename)];
		await Promise.all(stores.map((store) => migrate(drizzle(store), { migrationsFolder })));
		expect(await stores[0].sqlite.get("SELECT count(*) AS n FROM __drizzle_migrations")).toEqual({ n: 2 });
	});

	test("need a folder", async () => {
		const failing = migrate(drizzle(temporaryStore()), {});
		expectArgumentError(await failing.catch((error) => error), "config.migrationsFolder");
	});
});

describe("the database", () => {
	test("is on the process-wide store unless told otherwise", () => {
		expect(drizzle().$client).toBe(dataStore);
		expect(drizzle({ schema }).$client).toBe(dataStore);
		const store = temporaryStore();
		expect(drizzle(store).$client).toBe(store);
		expect(drizzle({ dataStore: store, schema }).$client).toBe(store);
	});

	test("refuses what is no store", () => {
		let error;
		try {
			drizzle({ dataStore: {} });
		} catch (thrown) {
			error = thrown;
		}
		expectArgumentError(error, "config.dataStore");
	});

	test("logs and renames as it is configured", async () => {
		const logged = [];
		const logger = { logQuery: (text, params) => logged.push([text, params]) };
		const db = temporaryDatabase({ logger, casing: "snake_case" });
		const table = sqliteTable("users", { createdAt: integer() });
		await db.select().from(table).where(eq(table.createdAt, 0));
		await db.batch([db.select().from(table)]);
		expect(logged).toEqual([
			['select "created_at" from "users" where "users"."created_at" = ?', [0]],
			['select "created_at" from "users"', []],
		]);
	});

	test("wraps errors in Drizzle's class, as an ES module and as CommonJS", async () => {
		const db = temporaryDatabase();
		const required = createRequire(import.meta.url);
		const other = required("rootcellar/drizzle").drizzle(db.$client);
		const statement = sql`insert into users (name) values (${"ada"})`;
		const [error, otherError] = await Promise.all(
			[db, other].map((each) => each.run(statement).catch((thrown) => thrown)),
		);
		expect(error).toBeInstanceOf(orm.DrizzleQueryError);
		expect(otherError).toBeInstanceOf(required("drizzle-orm").DrizzleQueryError);
		for (const { cause } of [error, otherError]) {
			expect(cause).toBeInstanceOf(RootcellarError);
			expect(cause.code).toBe("SQLITE_CONSTRAINT_UNIQUE");
		}
	});

	test("never rounds an integer", async () => {
		const query = sql`select 9007199254740993 as n`;
		expect(await temporaryDatabase().get(query)).toEqual({ n: 9007199254740993n });
		const refused = temporaryDatabase({ bigint: false }).get(query);
		await expect(refused.execute()).rejects.toMatchObject({ cause: { code: "ERR_INEXACT_INTEGER" } });
	});

	test("is declared alike for ES modules and for CommonJS", () => {
		const [module, required] = [
			"../../../lib/adapters/drizzle/drizzle.d.mts",
			"../../../lib/adapters/drizzle/drizzle.d.ts",
		].map((file) => readFileSync(new URL(file, import.meta.url), "utf8"));
		expect(module).toBe(required);
	});
});
