import { join } from "node:path";
import { endOfPrefix } from "../lib/prefix.mjs";

// @ts-expect-error It has no declarations.
const load = () => import("better-sqlite3");

/** A table as one would make it for the same data: the columns of the SDK's, with the key as the primary key. */
const SCHEMA = `
	CREATE TABLE IF NOT EXISTS kv (
		key TEXT NOT NULL PRIMARY KEY,
		community_id TEXT,
		value TEXT NOT NULL,
		expires_at INTEGER
	)`;

const UPSERT = `
	INSERT INTO kv (key, value) VALUES (?, ?)
	ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at`;

/** The synchronous interface as it is: prepared statements, no promises. */
export const betterSqlite3Full = betterSqlite3({
	id: "better-sqlite3",
	title: "better-sqlite3, FULL",
	synchronous: "FULL",
	durability: "WAL, synchronous=FULL: on disk when the call returns",
	durable: true,
});

export const betterSqlite3Normal = betterSqlite3({
	id: "better-sqlite3-normal",
	title: "better-sqlite3, NORMAL",
	synchronous: "NORMAL",
	durability: "WAL, synchronous=NORMAL: survives a crash of the process, but a power loss takes the last writes",
	durable: false,
});

/**
 * @param {{ id: string, title: string, synchronous: "FULL" | "NORMAL", durability: string, durable: boolean }} variant
 * @returns {import("./index.mjs").Driver}
 */
function betterSqlite3({ id, title, synchronous, durability, durable }) {
	return {
		id,
		title,
		packages: ["better-sqlite3"],
		durability,
		durable,
		load,
		open: async (folder) => {
			const { default: Database } = await load();
			const db = new Database(join(folder, "store.sqlite3"));
			db.pragma("journal_mode = WAL");
			db.pragma(`synchronous = ${synchronous}`);
			db.exec(SCHEMA);
			return storeOn(db);
		},
	};
}

/**
 * @param {any} db
 * @returns {import("./index.mjs").Store}
 */
function storeOn(db) {
	const one = db.prepare("SELECT value FROM kv WHERE key = ?").pluck();
	const upsert = db.prepare(UPSERT);
	const range = db.prepare("SELECT key, value FROM kv WHERE key >= ? AND key < ? ORDER BY key").raw();
	const read = (/** @type {string} */ key) => {
		const text = one.get(key);
		return text === undefined ? undefined : JSON.parse(/** @type {string} */ (text));
	};
	const setMany = db.transaction((/** @type {import("./index.mjs").Entry[]} */ entries) => {
		for (const { key, value } of entries) upsert.run(key, JSON.stringify(value));
	});
	const update = db.transaction((/** @type {string} */ key, /** @type {(value: any) => any} */ change) => {
		const value = change(read(key));
		upsert.run(key, JSON.stringify(value));
		return value;
	});
	return {
		get: read,
		set: (key, value) => upsert.run(key, JSON.stringify(value)),
		setMany: (entries) => setMany.immediate(entries),
		update: (key, change) => update.immediate(key, change),
		select: (prefix) => {
			const rows = /** @type {[string, string][]} */ (range.all(prefix, endOfPrefix(prefix)));
			return rows.map(([key, text]) => ({ key, value: JSON.parse(text) }));
		},
		close: () => db.close(),
	};
}
