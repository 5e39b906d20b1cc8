// Integers that no number holds, through Drizzle and Kysely, which have no place for options of a query: they are bigints,
// and the rows that hold them can be read.

import { eq } from "drizzle-orm";
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { Kysely, sql } from "kysely";
import { drizzle } from "rootcellar/drizzle";
import { RootcellarDialect } from "rootcellar/kysely";
import { describe, expect, test } from "vitest";
import { expectArgumentError, rejection } from "../helpers/errors.mjs";
import { temporaryStore } from "../helpers/store.mjs";

const LARGE = [2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n), 1_234_567_890_123_456_789n];
const SMALL = [0, 1, -1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];

const users = sqliteTable("users", { id: integer().primaryKey(), name: text(), level: integer() });

/** A store with users of these ids. */
async function storeWith(ids) {
	const store = temporaryStore();
	await store.sqlite.exec("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, level INTEGER)");
	await store.sqlite.batch(ids.map((id) => ({ sql: "INSERT INTO users VALUES (?, 'ada', 7)", params: [id] })));
	return store;
}

/** Ways to read all users, through each adapter. */
const READS = {
	"Drizzle, select": (store, options) => drizzle(store, options).select().from(users),
	"Drizzle, relational": (store, options) => drizzle(store, { schema: { users }, ...options }).query.users.findMany(),
	"Drizzle, raw": (store, options) => drizzle(store, options).all("SELECT * FROM users"),
	"Drizzle, batch": async (store, options) => {
		const db = drizzle(store, options);
		return (await db.batch([db.select().from(users)]))[0];
	},
	"Drizzle, in a transaction": (store, options) => drizzle(store, options).transaction((tx) => tx.select().from(users)),
	"Drizzle, returning": (store, options) => drizzle(store, options).update(users).set({ level: 7 }).returning(),
	"Kysely, select": (store, options) => kysely(store, options).selectFrom("users").selectAll().execute(),
	"Kysely, in a transaction": (store, options) =>
		kysely(store, options)
			.transaction()
			.execute((trx) => trx.selectFrom("users").selectAll().execute()),
	"Kysely, returning": (store, options) =>
		kysely(store, options).updateTable("users").set({ level: 7 }).returningAll().execute(),
	"Kysely, raw": async (store, options) => (await sql`SELECT * FROM users`.execute(kysely(store, options))).rows,
	"Kysely, stream": async (store, options) => {
		const rows = [];
		for await (const row of kysely(store, options).selectFrom("users").selectAll().stream()) rows.push(row);
		return rows;
	},
};

function kysely(store, options) {
	return new Kysely({ dialect: new RootcellarDialect({ dataStore: store, ...options }) });
}

describe.each(Object.entries(READS))("%s", (_, read) => {
	test("a row with a large integer is read, with that one as a bigint and every other column as it is", async () => {
		const store = await storeWith([...LARGE, ...SMALL]);
		const rows = await read(store);
		expect(new Set(rows.map(({ id }) => id))).toEqual(new Set([...LARGE, ...SMALL]));
		expect(rows.every(({ name, level }) => name === "ada" && level === 7)).toBe(true);
	});

	test("every integer is a bigint where that is asked for", async () => {
		const store = await storeWith([LARGE[0], 1]);
		const rows = await read(store, { bigint: true });
		expect(new Set(rows.map(({ id }) => id))).toEqual(new Set([LARGE[0], 1n]));
		expect(rows.map(({ level }) => level)).toEqual([7n, 7n]);
	});

	test("it is an error where that is asked for, which says what to do", async () => {
		const store = await storeWith([LARGE[0]]);
		const error = await rejection(() => Promise.resolve(read(store, { bigint: false })));
		const { code, message } = error.cause ?? error;
		expect(code).toBe("ERR_INEXACT_INTEGER");
		expect(message).toContain('bigint: "large"');
	});
});

test("a large id that was read finds its row", async () => {
	const store = await storeWith(LARGE);
	const db = drizzle(store);
	for (const id of LARGE) {
		expect(await db.select().from(users).where(eq(users.id, id))).toEqual([{ id, name: "ada", level: 7 }]);
		const found = await kysely(store).selectFrom("users").select("id").where("id", "=", id).execute();
		expect(found).toEqual([{ id }]);
	}
});

test("an insert tells a large id that it gave", async () => {
	const store = await storeWith([LARGE[0]]);
	const next = LARGE[0] + 1n;
	const inserted = await kysely(store).insertInto("users").values({ name: "bob" }).executeTakeFirst();
	expect(inserted.insertId).toBe(next);
	expect((await drizzle(store).insert(users).values({ name: "eve" })).lastInsertRowid).toBe(next + 1n);
});

test("dataStore.sqlite has the same option", async () => {
	const { sqlite } = await storeWith([LARGE[0], 1]);
	const read = (method, options) => sqlite[method]("SELECT id FROM users ORDER BY id", [], options);
	expect(await read("all", { bigint: "large" })).toEqual([{ id: 1 }, { id: LARGE[0] }]);
	expect(await read("all", { bigint: "large", rowMode: "array" })).toEqual([[1], [LARGE[0]]]);
	expect(await read("get", { bigint: "large" })).toEqual({ id: 1 });
	for (const bigint of ["small", 1, null, {}]) {
		expectArgumentError(await rejection(() => read("all", { bigint })), "options.bigint");
	}
});

test("another value of the option is refused", () => {
	for (const bigint of ["small", 1, null]) {
		for (const make of [() => drizzle({ bigint }), () => new RootcellarDialect({ bigint })]) {
			expect(make).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT", argument: "config.bigint" }));
		}
	}
});
