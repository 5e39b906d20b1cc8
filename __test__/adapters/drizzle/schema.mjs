// The tables of the Drizzle tests, as Drizzle and as SQLite are told of them.

import { relations, sql } from "drizzle-orm";
import { blob, foreignKey, integer, primaryKey, real, sqliteTable, sqliteView, text } from "drizzle-orm/sqlite-core";

export const cities = sqliteTable("cities", {
	id: integer().primaryKey(),
	name: text().notNull(),
});

export const users = sqliteTable("users", {
	id: integer().primaryKey({ autoIncrement: true }),
	name: text().notNull().unique(),
	verified: integer({ mode: "boolean" }).notNull().default(false),
	profile: text({ mode: "json" }),
	avatar: blob({ mode: "buffer" }),
	score: real(),
	createdAt: integer("created_at", { mode: "timestamp_ms" }).$defaultFn(() => new Date(1_700_000_000_000)),
	updates: integer()
		.$defaultFn(() => 0)
		.$onUpdateFn(() => sql`coalesce(updates, 0) + 1`),
	cityId: integer("city_id").references(() => cities.id, { onDelete: "cascade" }),
});

export const employees = sqliteTable(
	"employees",
	{ id: integer().primaryKey(), name: text().notNull(), managerId: integer("manager_id") },
	(table) => [foreignKey({ columns: [table.managerId], foreignColumns: [table.id] })],
);

export const memberships = sqliteTable(
	"memberships",
	{ userId: integer("user_id").notNull(), group: text("group_name").notNull(), role: text().default("member") },
	(table) => [primaryKey({ columns: [table.userId, table.group] })],
);

export const values = sqliteTable("all_values", {
	id: integer().primaryKey(),
	seconds: integer({ mode: "timestamp" }),
	json: blob({ mode: "json" }),
	big: blob({ mode: "bigint" }),
	numeric: text(),
	doubled: integer().generatedAlwaysAs(sql`id * 2`, { mode: "stored" }),
});

export const verifiedUsers = sqliteView("verified_users").as((query) =>
	query.select({ id: users.id, name: users.name }).from(users).where(sql`${users.verified} = 1`),
);

const usersRelations = relations(users, ({ one, many }) => ({
	city: one(cities, { fields: [users.cityId], references: [cities.id] }),
	memberships: many(memberships),
}));
const citiesRelations = relations(cities, ({ many }) => ({ users: many(users) }));
const membershipsRelations = relations(memberships, ({ one }) => ({
	user: one(users, { fields: [memberships.userId], references: [users.id] }),
}));

export const schema = {
	cities,
	users,
	employees,
	memberships,
	values,
	usersRelations,
	citiesRelations,
	membershipsRelations,
};

export const SCHEMA_SQL = `
	CREATE TABLE cities (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
	CREATE TABLE users (
		id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, verified INTEGER NOT NULL DEFAULT 0, profile TEXT,
		avatar BLOB, score REAL, created_at INTEGER, updates INTEGER, city_id INTEGER REFERENCES cities (id) ON DELETE CASCADE
	);
	CREATE TABLE employees (id INTEGER PRIMARY KEY, name TEXT NOT NULL, manager_id INTEGER REFERENCES employees (id));
	CREATE TABLE memberships (
		user_id INTEGER NOT NULL, group_name TEXT NOT NULL, role TEXT DEFAULT 'member', PRIMARY KEY (user_id, group_name)
	);
	CREATE TABLE all_values (
		id INTEGER PRIMARY KEY, seconds INTEGER, json BLOB, big BLOB, numeric TEXT,
		doubled INTEGER GENERATED ALWAYS AS (id * 2) STORED
	);
	CREATE VIEW verified_users AS SELECT id, name FROM users WHERE verified = 1;
	INSERT INTO cities VALUES (1, 'Paris'), (2, 'London'), (3, 'Rome');
	INSERT INTO users (name, verified, profile, avatar, score, created_at, city_id) VALUES
		('ada', 1, '{"tags":["a","b"],"level":7}', x'01ff', 12.5, 1600000000000, 1),
		('bob', 0, NULL, NULL, 3, 1600000000001, 2),
		('eve', 1, '{"tags":[],"level":1}', x'', NULL, NULL, 1),
		('zoë', 0, 'null', NULL, -0.5, 0, NULL);
	INSERT INTO employees VALUES (1, 'ada', NULL), (2, 'bob', 1), (3, 'eve', 1);
	INSERT INTO memberships VALUES (1, 'admins', 'owner'), (1, 'writers', 'member'), (2, 'writers', 'member');
`;
