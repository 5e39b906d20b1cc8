// Contents of a file after a crash, as the store and as another SQLite library see it.

import sqlite3 from "sqlite3";
import { temporaryStore } from "../helpers/store.mjs";
import { contentOf, rowKey } from "./writes.mjs";

/** Everything that the store reads, as a map of keys to {@link contentOf}. */
export async function readByStore(filename) {
	const store = temporaryStore(filename);
	const entries = await store.appData.select("%");
	await store.close();
	return new Map(
		entries.map(({ key, value, expiresAt }) => [key, contentOf(JSON.stringify(value), expiresAt?.getTime())]),
	);
}

/** The keys of which two maps hold different contents. */
export const differentKeys = (a, b) =>
	[...new Set([...a.keys(), ...b.keys()])].filter((key) => a.get(key) !== b.get(key));

/** Read by the library: its verdict on the file, the store's rows, and its own. */
export async function readByLibrary(filename) {
	const database = new sqlite3.Database(filename);
	const all = (sql) =>
		new Promise((resolve, reject) => {
			database.all(sql, (error, rows) => (error ? reject(error) : resolve(rows)));
		});
	try {
		const integrity = (await all("pragma integrity_check")).map((row) => row.integrity_check).join("; ");
		const tables = (await all("select name from sqlite_master where type = 'table'")).map((row) => row.name);
		const entries = tables.includes("__rootapp_kv") ? await all("select key, value, expires_at from __rootapp_kv") : [];
		const rows = tables.includes("bot_rows") ? await all("select client, slot, number, tag from bot_rows") : [];
		return {
			integrity,
			duplicates: entries.length - new Set(entries.map((entry) => entry.key)).size,
			store: new Map(entries.map(({ key, value, expires_at }) => [key, contentOf(value, expires_at)])),
			rows: new Map(rows.map(({ client, slot, number, tag }) => [rowKey(client, slot, number), String(tag)])),
		};
	} finally {
		await new Promise((resolve) => database.close(resolve));
	}
}
