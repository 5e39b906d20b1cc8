// The examples that Drizzle publishes: the code blocks of the documentation comments of what it has for SQLite, in the
// installed package.

import { execFileSync } from "node:child_process";
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { integer, real, sqliteTable, text } from "drizzle-orm/sqlite-core";

const root = fileURLToPath(new URL("../../..", import.meta.url));

const DECLARATIONS = [
	"sqlite-core/db",
	"sqlite-core/query-builders/select",
	"sqlite-core/query-builders/insert",
	"sqlite-core/query-builders/update",
	"sqlite-core/query-builders/delete",
	"sql/expressions/conditions",
	"sql/expressions/select",
	"sql/functions/aggregate",
];

/** Every example, as where it stands and its text. */
export function publishedExamples() {
	return DECLARATIONS.flatMap((file) => {
		const declarations = readFileSync(join(root, `node_modules/drizzle-orm/${file}.d.ts`), "utf8");
		const comments = declarations.replace(/^ *\/?\*+(?:\/$| ?)/gm, "");
		return [...comments.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, source], index) => ({
			name: `${file} ${index + 1}`,
			source,
		}));
	});
}

/**
 * Makes functions of examples: `run(given, keep)`, which passes every query to `keep`. Most of them show a query without
 * awaiting it.
 */
export async function compileExamples(examples, given, folder) {
	symlinkSync(join(root, "node_modules"), join(folder, "node_modules"), "junction");
	for (const [index, { source }] of examples.entries()) {
		const body = source.replace(/^import .*$/gm, "");
		const text = `export default async function ({ ${given.join(", ")} }: any, keep: any) {\n${body}\n}\n`;
		writeFileSync(join(folder, `example${index}.mts`), text);
	}
	const compilerOptions = { module: "nodenext", target: "es2022", noCheck: true, types: [], outDir: "compiled" };
	writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.mts"] }));
	execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", folder], { stdio: "pipe" });
	return Promise.all(
		examples.map(async (example, index) => {
			const compiled = join(folder, "compiled", `example${index}.mjs`);
			const source = readFileSync(compiled, "utf8");
			// The compiler ends each statement with a semicolon, and indents what continues one.
			const kept = source.replace(
				/^ {4}(?:(const \w+ = )await |await |(?=db\b))((?:db|[a-z]+[A-Z]?[a-z]*)\b[\s\S]*?);$/gm,
				"    $1await keep($2);",
			);
			writeFileSync(compiled, kept);
			return { ...example, run: (await import(pathToFileURL(compiled).href)).default };
		}),
	);
}

/** The tables that the examples speak of. */
export const tables = {
	cars: sqliteTable("cars", {
		id: integer().primaryKey(),
		make: text(),
		brand: text(),
		name: text(),
		color: text(),
		year: integer(),
		price: real(),
		createdAt: text("created_at"),
		discontinuedAt: integer("discontinued_at", { mode: "timestamp" }),
	}),
	users: sqliteTable("users", {
		id: integer().primaryKey(),
		name: text().notNull(),
		homeCity: integer("home_city"),
		createdAt: integer("created_at", { mode: "timestamp" }),
	}),
	pets: sqliteTable("pets", { id: integer().primaryKey(), name: text(), ownerId: integer("owner_id") }),
	customers: sqliteTable("customers", { id: integer().primaryKey(), name: text() }),
	cities: sqliteTable("cities", { id: integer().primaryKey(), name: text() }),
	people: sqliteTable("people", { firstName: text("first_name"), lastName: text("last_name") }),
	employees: sqliteTable("employees", { id: integer().primaryKey(), name: text(), salary: real() }),
	posts: sqliteTable("posts", { id: integer().primaryKey(), tags: text({ mode: "json" }) }),
	onlineSales: sqliteTable("online_sales", { transactionId: integer("transaction_id") }),
	inStoreSales: sqliteTable("in_store_sales", { transactionId: integer("transaction_id") }),
	depA: sqliteTable("dep_a", { courseName: text("course_name") }),
	depB: sqliteTable("dep_b", { courseName: text("course_name") }),
};

export const TABLES_SQL = `
	CREATE TABLE cars (
		id INTEGER PRIMARY KEY, make TEXT, brand TEXT, name TEXT, color TEXT, year INTEGER, price REAL,
		created_at TEXT DEFAULT '2023-06-01', discontinued_at INTEGER
	);
	INSERT INTO cars (make, brand, name, color, year, price, discontinued_at) VALUES
		('Ford', 'Ford', 'Escort Turbo', 'green', 1985, 5000.5, 1000000000),
		('GM', 'Opel', 'Manta', 'blue', 1975, 3000, 600000000),
		('Volvo', 'Volvo', 'PV 444', 'green', 1950, 9000, NULL),
		('BMW', 'BMW', 'turbo 2002', 'green', 2000, 20000, NULL),
		('BMW', 'BMW', 'Rover', 'red', 2001, 15000, NULL);
	CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL, home_city INTEGER, created_at INTEGER);
	INSERT INTO users VALUES (1, 'ada', 1, 1600000000), (2, 'bob', 9, 1700000000), (42, 'eve', NULL, NULL);
	CREATE TABLE pets (id INTEGER PRIMARY KEY, name TEXT, owner_id INTEGER);
	INSERT INTO pets VALUES (1, 'rex', 1), (2, 'tom', 1), (3, 'stray', NULL);
	CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT);
	INSERT INTO customers (name) VALUES ('ada'), ('zoë');
	CREATE TABLE cities (id INTEGER PRIMARY KEY, name TEXT);
	INSERT INTO cities (name) VALUES ('Paris'), ('London');
	CREATE TABLE people (first_name TEXT, last_name TEXT);
	WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 25)
		INSERT INTO people SELECT 'first ' || i, 'last ' || i % 3 FROM n;
	CREATE TABLE employees (id INTEGER PRIMARY KEY, name TEXT, salary REAL);
	INSERT INTO employees (name, salary) VALUES ('ada', 10), ('bob', 10), ('bob', 25.5), (NULL, NULL);
	CREATE TABLE posts (id INTEGER PRIMARY KEY, tags TEXT);
	INSERT INTO posts (tags) VALUES ('["Typescript","ORM"]');
	CREATE TABLE online_sales (transaction_id INTEGER);
	INSERT INTO online_sales VALUES (1), (2);
	CREATE TABLE in_store_sales (transaction_id INTEGER);
	INSERT INTO in_store_sales VALUES (2), (3);
	CREATE TABLE dep_a (course_name TEXT);
	INSERT INTO dep_a VALUES ('botany'), ('soil');
	CREATE TABLE dep_b (course_name TEXT);
	INSERT INTO dep_b VALUES ('soil'), ('weather');
`;
