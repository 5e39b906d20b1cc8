// Statements of Drizzle's documentation of SQLite, one or a few each: `[title, function]`. A function is given a
// database and `run(generator)`, for what must work whether results are there at once or promised, and resolves with
// what the database gave.

import {
	aliasedTable,
	and,
	asc,
	avg,
	between,
	count,
	countDistinct,
	desc,
	eq,
	exists,
	gt,
	inArray,
	isNull,
	like,
	max,
	min,
	ne,
	not,
	notInArray,
	or,
	placeholder,
	sql,
	sum,
} from "drizzle-orm";
import { except, intersect, union, unionAll } from "drizzle-orm/sqlite-core";
import { cities, employees, memberships, users, values, verifiedUsers } from "./schema.mjs";

const name = { name: users.name };
const byId = asc(users.id);

export const SELECT = [
	["all columns, each in its type", (db) => db.select().from(users).orderBy(byId)],
	["some columns", (db) => db.select({ id: users.id, text: users.name }).from(users).orderBy(byId)],
	[
		"an expression",
		(db) =>
			db
				.select({ upper: sql`upper(${users.name})` })
				.from(users)
				.orderBy(byId),
	],
	["an expression mapped", (db) => db.select({ n: sql`count(*)`.mapWith(String) }).from(users)],
	["nested fields", (db) => db.select({ id: users.id, more: { score: users.score, at: users.createdAt } }).from(users)],
	["distinct values", (db) => db.selectDistinct({ city: users.cityId }).from(users).orderBy(users.cityId)],
	["one row by get", (db) => db.select().from(users).where(eq(users.name, "bob")).get()],
	["no row by get", (db) => db.select().from(users).where(eq(users.name, "nobody")).get()],
	["values as arrays", (db) => db.select(name).from(users).orderBy(byId).values()],
	[
		"and, or, not",
		(db) =>
			db
				.select(name)
				.from(users)
				.where(and(or(gt(users.id, 3), eq(users.id, 1)), not(eq(users.id, 4)))),
	],
	[
		"between and like",
		(db) =>
			db
				.select(name)
				.from(users)
				.where(and(between(users.id, 1, 3), like(users.name, "%b%"))),
	],
	["null", (db) => db.select(name).from(users).where(isNull(users.cityId))],
	[
		"a list",
		(db) =>
			db
				.select(name)
				.from(users)
				.where(inArray(users.name, ["ada", "eve"]))
				.orderBy(byId),
	],
	[
		"no list",
		(db) =>
			db
				.select(name)
				.from(users)
				.where(notInArray(users.id, [1, 2])),
	],
	["order, limit and offset", (db) => db.select(name).from(users).orderBy(desc(users.score), byId).limit(2).offset(1)],
	[
		"a boolean and a date as parameters",
		(db) =>
			db
				.select(name)
				.from(users)
				.where(and(eq(users.verified, true), eq(users.createdAt, new Date(1_600_000_000_000)))),
	],
	["text beyond ASCII", (db) => db.select(name).from(users).where(eq(users.name, "zoë"))],
	["a view", (db) => db.select().from(verifiedUsers)],
	["a count", (db) => db.$count(users, eq(users.cityId, 1))],
	[
		"a count as a column",
		(db) =>
			db
				.select({ ...name, groups: db.$count(memberships, eq(memberships.userId, users.id)) })
				.from(users)
				.orderBy(byId),
	],
];

export const AGGREGATES = [
	[
		"count, sum, avg, min, max",
		(db) =>
			db
				.select({
					all: count(),
					scores: count(users.score),
					cities: countDistinct(users.cityId),
					sum: sum(users.score),
					avg: avg(users.score),
					min: min(users.name),
					max: max(users.createdAt),
				})
				.from(users),
	],
	[
		"group by and having",
		(db) =>
			db
				.select({ city: users.cityId, n: count() })
				.from(users)
				.groupBy(users.cityId)
				.having(({ n }) => gt(n, 1)),
	],
];

export const JOINS = [
	["left", (db) => db.select().from(users).leftJoin(cities, eq(users.cityId, cities.id)).orderBy(byId)],
	[
		"inner",
		(db) =>
			db
				.select({ ...name, city: cities.name })
				.from(users)
				.innerJoin(cities, eq(users.cityId, cities.id))
				.orderBy(byId),
	],
	[
		"right",
		(db) =>
			db
				.select({ user: users.name, city: cities.name })
				.from(users)
				.rightJoin(cities, eq(users.cityId, cities.id))
				.orderBy(cities.id, byId),
	],
	[
		"full",
		(db) =>
			db
				.select({ user: users.name, city: cities.name })
				.from(users)
				.fullJoin(cities, eq(users.cityId, cities.id))
				.orderBy(cities.id, byId),
	],
	[
		"fields of a joined table that may be missing",
		(db) =>
			db
				.select({ id: users.id, city: { id: cities.id, name: cities.name } })
				.from(users)
				.leftJoin(cities, eq(users.cityId, cities.id))
				.orderBy(byId),
	],
	[
		"a table with itself",
		(db) => {
			const manager = aliasedTable(employees, "manager");
			return db.select().from(employees).leftJoin(manager, eq(employees.managerId, manager.id)).orderBy(employees.id);
		},
	],
	[
		"columns of one name",
		(db) =>
			db
				.select({ user: users.id, city: cities.id })
				.from(users)
				.innerJoin(cities, eq(users.cityId, cities.id))
				.orderBy(byId),
	],
	[
		"a subquery",
		(db) => {
			const groups = db
				.select({ userId: memberships.userId, n: count().as("n") })
				.from(memberships)
				.groupBy(memberships.userId)
				.as("groups");
			return db
				.select({ ...name, n: groups.n })
				.from(users)
				.leftJoin(groups, eq(users.id, groups.userId))
				.orderBy(byId);
		},
	],
];

export const SUBQUERIES = [
	[
		"exists",
		(db) =>
			db
				.select(name)
				.from(users)
				.where(exists(db.select({ one: sql`1` }).from(memberships).where(eq(memberships.userId, users.id))))
				.orderBy(byId),
	],
	[
		"in",
		(db) =>
			db
				.select(name)
				.from(users)
				.where(inArray(users.id, db.select({ id: memberships.userId }).from(memberships)))
				.orderBy(byId),
	],
	[
		"with",
		(db) => {
			const scored = db.$with("scored").as(
				db
					.select({ id: users.id, double: sql`score * 2`.as("double") })
					.from(users)
					.where(gt(users.score, 0)),
			);
			return db.with(scored).select().from(scored).orderBy(scored.id);
		},
	],
	[
		"union",
		(db) =>
			union(db.select(name).from(users), db.select({ name: cities.name }).from(cities))
				.orderBy(sql`name`)
				.limit(4),
	],
	[
		"union all, intersect, except",
		async (db) => [
			await unionAll(
				db.select(name).from(users).where(eq(users.id, 1)),
				db.select(name).from(users).where(eq(users.id, 1)),
			),
			await intersect(db.select(name).from(users), db.select({ name: employees.name }).from(employees)).orderBy(
				sql`name`,
			),
			await except(db.select(name).from(users), db.select({ name: employees.name }).from(employees)),
		],
	],
];

const all = (db) => db.select().from(users).orderBy(byId);
const changes = ({ changes, lastInsertRowid }) => ({ changes, lastInsertRowid });

export const WRITES = [
	[
		"insert, and what it changed",
		async (db) => [changes(await db.insert(users).values({ name: "new" })), await all(db)],
	],
	[
		"insert many",
		async (db) => [(await db.insert(users).values([{ name: "x" }, { name: "y", score: 1 }])).changes, await all(db)],
	],
	[
		"insert with all defaults",
		async (db) => [await db.insert(values).values({}).returning(), await db.select().from(values)],
	],
	[
		"insert returning all",
		(db) =>
			db
				.insert(users)
				.values({ name: "new", profile: { a: [1] }, avatar: Buffer.from("hi"), verified: true })
				.returning(),
	],
	[
		"insert returning some",
		(db) =>
			db
				.insert(users)
				.values([{ name: "x" }, { name: "y" }])
				.returning({ id: users.id, shout: sql`upper(${users.name})` }),
	],
	["insert returning by get", (db) => db.insert(users).values({ name: "new" }).returning().get()],
	[
		"insert from a select",
		async (db) => [
			await db
				.insert(cities)
				.select(db.select({ id: sql`${users.id} + 10`.as("id"), name: users.name }).from(users))
				.returning(),
			await db.$count(cities),
		],
	],
	[
		"insert where nothing conflicts",
		(db) => db.insert(users).values({ name: "new" }).onConflictDoNothing().returning(name),
	],
	[
		"insert or do nothing",
		async (db) => [
			await db.insert(users).values({ name: "ada", score: 99 }).onConflictDoNothing().returning(),
			await all(db),
		],
	],
	[
		"insert or do nothing, by target",
		async (db) => [
			(await db.insert(users).values({ name: "ada" }).onConflictDoNothing({ target: users.name })).changes,
			await db.$count(users),
		],
	],
	[
		"insert or update",
		(db) =>
			db
				.insert(users)
				.values({ name: "ada", score: 99 })
				.onConflictDoUpdate({ target: users.name, set: { score: sql`excluded.score + ${users.score}` } })
				.returning(),
	],
	[
		"insert or update where",
		(db) =>
			db
				.insert(users)
				.values({ name: "ada", score: 99 })
				.onConflictDoUpdate({ target: users.name, set: { score: 1 }, setWhere: gt(users.score, 100) })
				.returning(),
	],
	[
		"insert or update by two columns",
		(db) =>
			db
				.insert(memberships)
				.values({ userId: 1, group: "admins", role: "guest" })
				.onConflictDoUpdate({ target: [memberships.userId, memberships.group], set: { role: sql`excluded.role` } })
				.returning(),
	],
	["update", async (db) => [(await db.update(users).set({ score: 0 }).where(gt(users.id, 2))).changes, await all(db)]],
	[
		"update returning",
		(db) =>
			db
				.update(users)
				.set({ verified: true, profile: { level: 2 } })
				.where(eq(users.name, "bob"))
				.returning(),
	],
	[
		"update by an expression",
		(db) => db.update(users).set({ score: sql`coalesce(score, 0) + 1` }).returning({ score: users.score }),
	],
	[
		"update from another table",
		(db) =>
			db
				.update(users)
				.set({ name: sql`${users.name} || ${cities.name}` })
				.from(cities)
				.where(and(eq(users.cityId, cities.id), eq(cities.id, 2)))
				.returning({ id: users.id, name: users.name }),
	],
	["delete", async (db) => [(await db.delete(users).where(ne(users.id, 1))).changes, await all(db)]],
	["delete returning", (db) => db.delete(users).where(eq(users.name, "eve")).returning()],
	[
		"delete that cascades",
		async (db) => [(await db.delete(cities).where(eq(cities.id, 1))).changes, await db.select(name).from(users)],
	],
	[
		"with, then delete",
		async (db) => {
			const low = db.$with("low").as(db.select({ id: users.id }).from(users).where(gt(users.score, 5)));
			return db
				.with(low)
				.delete(users)
				.where(inArray(users.id, db.select().from(low)))
				.returning(name);
		},
	],
];

export const TYPES = [
	[
		"dates in seconds, JSON and integers as BLOBs",
		async (db) => {
			const row = { seconds: new Date(1_700_000_000_000), json: { a: ["ü", null] }, big: 2n ** 62n, numeric: "12.30" };
			return [await db.insert(values).values(row).returning(), await db.select().from(values)];
		},
	],
	[
		"generated columns",
		(db) =>
			db
				.insert(values)
				.values([{ id: 4 }, { id: 5 }])
				.returning({ doubled: values.doubled }),
	],
	[
		"JSON functions",
		(db) =>
			db
				.select({
					level: sql`${users.profile} ->> '$.level'`,
					tags: sql`json_array_length(${users.profile}, '$.tags')`,
					type: sql`json_type(${users.profile})`,
				})
				.from(users)
				.orderBy(byId),
	],
	[
		"JSON made by SQL",
		(db) => db.get(sql`select json_group_array(json_object('id', id, 'name', name)) as list from ${users}`),
	],
	["rows of a JSON array", (db) => db.all(sql`select value from json_each(${JSON.stringify([1, "two", null])})`)],
	[
		"numbers of every kind",
		(db) =>
			db.get(
				sql`select ${0} as zero, ${-1.5} as negative, ${1e300} as large, ${Number.MAX_SAFE_INTEGER} as safe, ${null} as none`,
			),
	],
];

export const PREPARED = [
	[
		"with placeholders",
		(db) => {
			const query = db
				.select(name)
				.from(users)
				.where(eq(users.id, placeholder("id")))
				.prepare();
			return Promise.all([1, 2, 9].map((id) => query.all({ id })));
		},
	],
	[
		"with a limit as placeholder",
		(db) => db.select(name).from(users).orderBy(byId).limit(placeholder("limit")).prepare().all({ limit: 2 }),
	],
	[
		"get and values",
		async (db) => {
			const query = db
				.select(name)
				.from(users)
				.where(gt(users.id, placeholder("id")))
				.orderBy(byId)
				.prepare();
			return [await query.get({ id: 2 }), await query.get({ id: 9 }), await query.values({ id: 2 })];
		},
	],
	[
		"an insert",
		async (db) => {
			const insert = db
				.insert(cities)
				.values({ name: placeholder("name") })
				.returning()
				.prepare();
			return [await insert.all({ name: "Oslo" }), await insert.all({ name: "Bern" })];
		},
	],
];

export const RELATIONAL = [
	["many", (db) => db.query.users.findMany({ orderBy: byId })],
	["first", (db) => db.query.users.findFirst({ where: eq(users.name, "eve") })],
	["first of none", (db) => db.query.users.findFirst({ where: eq(users.name, "nobody") })],
	[
		"with what belongs to it",
		(db) => db.query.users.findMany({ with: { city: true, memberships: true }, orderBy: byId }),
	],
	[
		"nested, with some columns, ordered and limited",
		(db) =>
			db.query.cities.findMany({
				columns: { name: true },
				with: {
					users: {
						columns: { name: true },
						with: { memberships: { columns: { group: true }, orderBy: asc(memberships.group) } },
						orderBy: desc(users.id),
						limit: 1,
					},
				},
				orderBy: asc(cities.id),
			}),
	],
	[
		"with extras",
		(db) =>
			db.query.users.findMany({
				columns: { id: true },
				extras: { shout: sql`upper(${users.name})`.as("shout") },
				orderBy: byId,
			}),
	],
];

export const RAW = [
	[
		"all, get and values",
		async (db) => [
			await db.all(sql`select id, name from ${users} where ${users.id} < ${3} order by id`),
			await db.get(sql`select name from users where id = ${1}`),
			await db.get(sql`select name from users where id = ${99}`),
			await db.values(sql`select id, name from users order by id limit 1`),
			await db.all("select count(*) as n from users"),
		],
	],
	["run", async (db) => changes(await db.run(sql`insert into cities (name) values (${"Oslo"})`))],
	[
		"definition of a table",
		async (db) => {
			await db.run(sql`create table notes (id integer primary key, body text default 'none')`);
			await db.run(sql`create unique index notes_body on notes (body)`);
			await db.run(sql`insert into notes default values`);
			return db.all(sql`select * from notes`);
		},
	],
	[
		"introspection: tables and their SQL",
		(db) =>
			db.all(
				sql`select type, name, tbl_name, sql from sqlite_schema where name not like '\\_\\_root%' escape '\\' order by name`,
			),
	],
	["introspection: columns", (db) => db.all(sql`select * from pragma_table_xinfo('all_values')`)],
	[
		"introspection: indexes and foreign keys",
		async (db) => [
			await db.all(
				sql`select l.name as name, l."unique" as is_unique, i.name as column from pragma_index_list('users') l, pragma_index_info(l.name) i`,
			),
			await db.all(sql`select "table", "from", "to", on_delete from pragma_foreign_key_list('users')`),
			await db.all(sql`pragma table_info(users)`),
		],
	],
];

const names = (db) => db.select(name).from(users).orderBy(byId).all();

/** A generator that ends its transaction with `error`. */
function* failing(tx, error) {
	yield tx.insert(users).values({ name: "lost" }).run();
	throw error;
}

export const TRANSACTIONS = [
	[
		"commit",
		(db, run) =>
			run(function* (inTransaction) {
				const result = yield inTransaction(db, function* (tx) {
					yield tx.insert(users).values({ name: "new" }).run();
					yield tx.update(users).set({ score: 1 }).where(eq(users.name, "new")).run();
					return yield tx.select({ score: users.score }).from(users).where(eq(users.name, "new")).get();
				});
				return [result, yield names(db)];
			}),
	],
	[
		"roll back for an error",
		(db, run) =>
			run(function* (inTransaction) {
				const error = yield* caught(function* () {
					yield inTransaction(db, (tx) => failing(tx, new Error("on purpose")));
				});
				return [error.message, yield names(db)];
			}),
	],
	[
		"roll back by tx.rollback()",
		(db, run) =>
			run(function* (inTransaction) {
				const error = yield* caught(function* () {
					yield inTransaction(db, function* (tx) {
						yield tx.delete(users).run();
						tx.rollback();
					});
				});
				return [error.message, yield names(db)];
			}),
	],
	[
		"nested, the inner rolled back",
		(db, run) =>
			run(function* (inTransaction) {
				yield inTransaction(db, function* (tx) {
					yield tx.insert(users).values({ name: "outer" }).run();
					yield* caught(function* () {
						yield inTransaction(tx, (inner) => failing(inner, new Error("on purpose")));
					});
					yield inTransaction(tx, function* (inner) {
						yield inner.insert(users).values({ name: "inner" }).run();
					});
				});
				return names(db);
			}),
	],
	[
		"nested, the outer rolled back",
		(db, run) =>
			run(function* (inTransaction) {
				yield* caught(function* () {
					yield inTransaction(db, function* (tx) {
						yield inTransaction(tx, function* (inner) {
							yield inner.insert(users).values({ name: "inner" }).run();
						});
						tx.rollback();
					});
				});
				return names(db);
			}),
	],
	[
		"a statement that fails leaves the transaction open",
		(db, run) =>
			run(function* (inTransaction) {
				return yield inTransaction(db, function* (tx) {
					yield tx.insert(users).values({ name: "new" }).run();
					const { code } = yield* caught(function* () {
						yield tx.insert(users).values({ name: "ada" }).run();
					});
					return [code, yield names(tx)];
				});
			}),
	],
	[
		"of each behavior",
		(db, run) =>
			run(function* (inTransaction) {
				for (const behavior of ["deferred", "immediate", "exclusive"]) {
					yield inTransaction(
						db,
						function* (tx) {
							yield tx.insert(users).values({ name: behavior }).run();
						},
						{ behavior },
					);
				}
				return names(db);
			}),
	],
];

/** The error that `generator` ends with, without what Drizzle wraps it in. */
export function* caught(generator) {
	try {
		yield* generator();
	} catch (error) {
		return error.cause ?? error;
	}
	throw new Error("expected an error");
}

/** The comparable part of a failure; the place in the SQL comes after a comma. */
async function failure(run) {
	try {
		await run();
	} catch (error) {
		const { code, message } = error.cause ?? error;
		return { code, message: message.replace(/, at line .*$/s, "") };
	}
	throw new Error("expected an error");
}

export const ERRORS = [
	["a value that is there already", (db) => failure(async () => db.insert(users).values({ name: "ada" }))],
	["a missing value", (db) => failure(async () => db.run(sql`insert into cities (id) values (9)`))],
	["a reference to nothing", (db) => failure(async () => db.insert(users).values({ name: "new", cityId: 99 }))],
	["a table that is not there", (db) => failure(async () => db.all(sql`select * from nowhere`))],
	["a syntax error", (db) => failure(async () => db.all(sql`select from where`))],
];
