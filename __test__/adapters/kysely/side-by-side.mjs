// Kysely on its own SQLite dialect and on ours, so that what both do can be compared.

import { readFileSync } from "node:fs";
import Database from "better-sqlite3";
import { Kysely, SqliteDialect } from "kysely";
import { RootcellarDialect } from "rootcellar/kysely";

/** Kysely's own; it does not export its package.json. */
export const { version } = JSON.parse(
	readFileSync(new URL("../../../node_modules/kysely/package.json", import.meta.url)),
);

/** Statements that control transactions, which our dialect does not send as queries. */
const CONTROL = /^(begin|commit|rollback|savepoint|release)\b/i;

const TIME_OF_DAY = /\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+Z)?/g;

/** The comparable part of an error: SQLite's words, without the place that ours adds. */
export const messageOf = (error) => String(error?.message).replace(/, at line \d+, column \d+: .*$/s, "");

/** Records every query of a dialect with its result in `trace`. */
function recorded(dialect, trace) {
	const createDriver = dialect.createDriver.bind(dialect);
	dialect.createDriver = () => {
		const driver = createDriver();
		const acquire = driver.acquireConnection.bind(driver);
		const seen = new WeakSet();
		driver.acquireConnection = async () => {
			const connection = await acquire();
			if (seen.has(connection)) return connection;
			seen.add(connection);
			const execute = connection.executeQuery.bind(connection);
			connection.executeQuery = async (query, ...rest) => {
				const entry = { sql: query.sql, parameters: comparable(query.parameters), isDone: false };
				if (!CONTROL.test(query.sql)) trace.push(entry);
				try {
					const result = await execute(query, ...rest);
					entry.result = comparable({ ...result, insertId: insertIdOf(query, result) });
					return result;
				} catch (error) {
					entry.error = messageOf(error);
					throw error;
				} finally {
					entry.isDone = true;
				}
			};
			return connection;
		};
		return driver;
	};
	return dialect;
}

/** The original names the row that was inserted last, also where this query has inserted none. */
const insertIdOf = ({ sql }, { numAffectedRows, insertId }) =>
	/^(insert|replace)(?!.*on conflict)/is.test(sql) && numAffectedRows ? insertId : undefined;

/** Without what is of the time of day or of the store itself. */
function comparable(value) {
	const isOwn = (row) => [row?.name, row?.table].some((name) => /^__root/.test(name));
	const text = JSON.stringify(value, (_, item) => {
		if (item?.type === "Buffer") return item.data;
		if (item instanceof Uint8Array) return [...item];
		if (Array.isArray(item)) return item.filter((row) => !isOwn(row));
		return typeof item === "bigint" ? `${item}n` : item;
	});
	return text === undefined ? undefined : JSON.parse(text.replace(TIME_OF_DAY, "then"));
}

/** Contents of a file without the store's own tables and SQLite's. */
const OBJECTS = `SELECT type, name, sql FROM sqlite_master WHERE name NOT GLOB '__root*' AND name NOT GLOB 'sqlite_*' ORDER BY name`;

const quoted = (name) => `"${name.replaceAll('"', '""')}"`;

/** The script that leaves an empty file, views first. */
const dropsOf = (objects) =>
	objects
		.filter(({ type }) => type === "view" || type === "table")
		.sort((a, b) => b.type.localeCompare(a.type))
		.map(({ type, name }) => `DROP ${type} ${quoted(name)};`)
		.join("\n");

/** Each side: a database for Kysely, the trace of it, what is in the file, and a way to begin again. */
export const sides = {
	original() {
		let file;
		return sideOf({
			renew: async () => {
				file?.close();
				file = new Database(":memory:");
			},
			dialect: () => new SqliteDialect({ database: openForEver(file) }),
			all: async (sql) => file.prepare(sql).all(),
			exec: async (script) => file.exec(script),
		});
	},
	ours(store) {
		return sideOf({
			renew: async () => store.sqlite.exec(`PRAGMA foreign_keys = OFF; ${dropsOf(await store.sqlite.all(OBJECTS))}`),
			dialect: () => new RootcellarDialect({ dataStore: store }),
			all: (sql) => store.sqlite.all(sql),
			exec: (script) => store.sqlite.exec(script),
		});
	},
};

/** A database that Kysely cannot close. */
const openForEver = (file) => ({ prepare: (sql) => file.prepare(sql), close() {} });

function sideOf({ renew, dialect, all, exec }) {
	return {
		/** A new `Kysely` on a file that holds what `script` makes. */
		async begin(script) {
			await renew();
			await exec(script);
			const trace = [];
			return { trace, db: new Kysely({ dialect: recorded(dialect(), trace) }) };
		},
		/** Every table with its rows. */
		async contents() {
			const objects = await all(OBJECTS);
			const rows = [];
			for (const { type, name } of objects) if (type === "table") rows.push(await all(`SELECT * FROM ${quoted(name)}`));
			return comparable([objects, rows]);
		},
	};
}
