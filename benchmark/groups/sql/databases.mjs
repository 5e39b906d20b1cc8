import { createRequire } from "node:module";
import { join } from "node:path";

/** @type {(name: string) => any} */
const load = createRequire(import.meta.url);

/**
 * A database as every library offers it. Where its interface is synchronous, so is this: it is not made slower by a
 * promise that it does not need.
 *
 * @typedef {object} Database
 * @property {(sql: string) => unknown} exec
 * @property {(sql: string, params?: unknown[]) => unknown} run
 * @property {(sql: string, params?: unknown[]) => any} get
 * @property {(sql: string, params?: unknown[]) => any[] | Promise<any[]>} all
 * @property {(inserts: { sql: string, params: unknown[] }[]) => unknown} insertAll - In one transaction.
 * @property {() => unknown} close
 *
 * @typedef {object} Library
 * @property {string} id
 * @property {string} title
 * @property {(folder: string) => Promise<Database>} open
 */

/** Durability as rootcellar has it: a resolved write is on disk. */
const DURABLE = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL";

/** @type {Library} */
const rootcellar = {
	id: "rootcellar",
	title: "rootcellar",
	open: async (folder) => {
		const { openDataStore } = await import("rootcellar");
		const store = openDataStore({ filename: join(folder, "database.sqlite3"), backup: false });
		const { sqlite } = store;
		return {
			exec: (sql) => sqlite.exec(sql),
			run: (sql, params) => sqlite.run(sql, /** @type {any} */ (params)),
			get: (sql, params) => sqlite.get(sql, /** @type {any} */ (params)),
			all: (sql, params) => sqlite.all(sql, /** @type {any} */ (params)),
			insertAll: (inserts) =>
				sqlite.transaction((tx) =>
					Promise.all(inserts.map(({ sql, params }) => tx.run(sql, /** @type {any} */ (params)))),
				),
			close: () => store.close(),
		};
	},
};

/**
 * The asynchronous library, with its callbacks behind promises, and each statement prepared once.
 *
 * @type {Library}
 */
const sqlite3 = {
	id: "sqlite3",
	title: "sqlite3",
	open: async (folder) => {
		const { Database } = load("sqlite3");
		const database = new Database(join(folder, "database.sqlite3"));
		/** @type {Map<string, any>} */
		const prepared = new Map();
		/** @param {string} sql */
		const statement = (sql) => {
			const known = prepared.get(sql) ?? database.prepare(sql);
			prepared.set(sql, known);
			return known;
		};
		const settle =
			(/** @type {(value: any) => void} */ resolve, /** @type {(error: Error) => void} */ reject) =>
			(/** @type {Error | null} */ error, /** @type {any} */ value) =>
				error ? reject(error) : resolve(value);
		/** @param {string} sql */
		const exec = (sql) => new Promise((resolve, reject) => database.exec(sql, settle(resolve, reject)));
		/** @param {"run" | "get" | "all"} method */
		const call =
			(method) =>
			(/** @type {string} */ sql, /** @type {unknown[]} */ params = []) =>
				new Promise((resolve, reject) => statement(sql)[method](params, settle(resolve, reject)));
		const run = call("run");
		await exec(DURABLE);
		return {
			exec,
			run,
			get: call("get"),
			all: /** @type {any} */ (call("all")),
			insertAll: async (inserts) => {
				await exec("BEGIN IMMEDIATE");
				await Promise.all(inserts.map(({ sql, params }) => run(sql, params)));
				await exec("COMMIT");
			},
			close: async () => {
				const finalized = [...prepared.values()].map((one) => new Promise((resolve) => one.finalize(resolve)));
				await Promise.all(finalized);
				await new Promise((resolve, reject) => database.close(settle(resolve, reject)));
			},
		};
	},
};

/** @type {Library} */
const betterSqlite3 = {
	id: "better-sqlite3",
	title: "better-sqlite3",
	open: async (folder) => {
		const BetterSqlite3 = load("better-sqlite3");
		const database = new BetterSqlite3(join(folder, "database.sqlite3"));
		database.exec(DURABLE);
		/** @type {Map<string, any>} */
		const prepared = new Map();
		/** @param {string} sql */
		const statement = (sql) => {
			const known = prepared.get(sql) ?? database.prepare(sql);
			prepared.set(sql, known);
			return known;
		};
		const insertAll = database.transaction((/** @type {{ sql: string, params: unknown[] }[]} */ inserts) => {
			for (const { sql, params } of inserts) statement(sql).run(params);
		});
		return {
			exec: (sql) => database.exec(sql),
			run: (sql, params = []) => statement(sql).run(params),
			get: (sql, params = []) => statement(sql).get(params),
			all: (sql, params = []) => statement(sql).all(params),
			insertAll: (inserts) => insertAll.immediate(inserts),
			close: () => database.close(),
		};
	},
};

/** @type {readonly Library[]} */
export const libraries = [rootcellar, sqlite3, betterSqlite3];
