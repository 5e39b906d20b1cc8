// Another client of the database that stands for a file, as `helpers/raw.mjs` is for SQLite.

import { createRequire } from "node:module";
import { onTestFinished } from "vitest";
import { expectSoundDatabase } from "../sound.mjs";

const { connect, databaseOf } = createRequire(import.meta.url)("./databases.cjs");

/** The table and index as SDK 0.17.0 makes them on PostgreSQL. */
export const SDK_SCHEMA = [
	`CREATE TABLE __rootapp_kv (key varchar(255) NOT NULL, community_id varchar(255), value varchar(255) NOT NULL,
		expires_at timestamptz)`,
	"ALTER TABLE __rootapp_kv ADD CONSTRAINT __rootapp_kv_community_id_key_unique UNIQUE (community_id, key)",
];

/** Moment of an expiry in milliseconds, as SQLite has it. */
const EXPIRY = "(extract(epoch FROM expires_at) * 1000)::float8 AS expires_at";

/** Statements that are written for SQLite. */
function translated(text) {
	let count = 0;
	return (
		text
			.replaceAll("`", '"')
			.replace(/\?/g, () => `$${++count}`)
			.replace(/\browid\b/g, "__rootcellar_order")
			.replace(/^begin immediate$/i, "begin")
			.replace(/^pragma busy_timeout = \d+$/i, "select 1")
			// The server looks after that itself.
			.replace(/^pragma integrity_check$/i, "select 'ok' as integrity_check")
			.replace(/\bcount\(\*\)/g, "count(*)::int")
	);
}

async function runAll(client, statements) {
	let rows = [];
	for (const statement of statements) {
		const [text, ...parameters] = [statement].flat();
		({ rows } = await client.query(translated(text), parameters));
	}
	return rows;
}

/** Runs statements on the database of a file, each `"sql"` or `["sql", ...parameters]`; the rows of the last one. */
export async function raw(filename, ...statements) {
	const client = await connect(databaseOf(filename));
	try {
		return await runAll(client, statements);
	} finally {
		await client.end();
	}
}

/** Nothing is wrong with the tables of the database that stands for a file. */
export async function expectSound(filename) {
	const client = await connect(databaseOf(filename));
	try {
		await expectSoundDatabase(async (text) => (await client.query(text)).rows);
	} finally {
		await client.end();
	}
}

/** Every row of the key-value table in the order of insertion, as `{ key, community_id, value, expires_at }`. */
export function rawRows(filename) {
	return raw(filename, `select key, community_id, value, ${EXPIRY} from __rootapp_kv order by __rootcellar_order`);
}

/** Number of rows of the key-value table. */
export async function rawCount(filename) {
	const [{ n }] = await raw(filename, "select count(*) as n from __rootapp_kv");
	return n;
}

/** Makes a table as the SDK would have left it; rows are `{ key, value, community_id, expires_at }`. */
export function makeSdkFile(filename, rows) {
	return raw(
		filename,
		"begin",
		...SDK_SCHEMA,
		...rows.map((row) => [
			"insert into __rootapp_kv (key, community_id, value, expires_at) values (?, ?, ?, to_timestamp(?::float8 / 1000))",
			row.key,
			row.community_id ?? null,
			row.value,
			row.expires_at ?? null,
		]),
		"commit",
	);
}

/** A connection that is kept, so that transactions may stay open: `run(...statements)` is {@link raw} on it. */
export function rawConnection(filename) {
	const connected = connect(databaseOf(filename));
	const close = async () => (await connected).end();
	onTestFinished(close);
	return { close, run: async (...statements) => runAll(await connected, statements) };
}
