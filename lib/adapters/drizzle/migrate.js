"use strict";

const { checkReferences, referenceProblems } = require("../../api/migrations/foreign-keys.js");
const { queueOf } = require("../../api/transaction.js");
const { invalidArgument } = require("../../base/errors.js");

/**
 * Migration, as Drizzle reads it from its folder.
 *
 * @typedef {object} DrizzleMigration
 * @property {string[]} sql its statements
 * @property {number} folderMillis when it was generated, in milliseconds since 1970 UTC
 * @property {string} hash
 */

/** Statement of a migration that rebuilds a table. SQLite heeds it only outside of a transaction. */
const TURNS_FOREIGN_KEYS_OFF = /^\s*PRAGMA\s+foreign_keys\s*=\s*(OFF|0|no|false)\b/im;

/**
 * `migrate` of `rootcellar/drizzle`. It records applied migrations where Drizzle's other SQLite drivers do, and in the same
 * form.
 *
 * @param {(config: any) => DrizzleMigration[]} readMigrationFiles
 */
function createMigrate(readMigrationFiles) {
	/**
	 * @param {any} db
	 * @param {any} config
	 */
	return async function migrate(db, config) {
		if (typeof config?.migrationsFolder !== "string") {
			throw invalidArgument("config.migrationsFolder", "must be a string, the folder that drizzle-kit generated");
		}
		const migrations = readMigrationFiles(config);
		const table = `"${(config.migrationsTable ?? "__drizzle_migrations").replaceAll('"', '""')}"`;
		const connection = await db.$client.sqlite.reserve();
		try {
			await apply(connection, migrations, table);
		} finally {
			await connection.release();
		}
	};
}

/**
 * Applies the migrations that are not applied yet, all or none. Releasing the connection rolls back.
 *
 * @param {import("../../..").Connection} connection
 * @param {DrizzleMigration[]} migrations
 * @param {string} table
 */
async function apply(connection, migrations, table) {
	const withoutForeignKeys = migrations.some(({ sql }) => sql.some((text) => TURNS_FOREIGN_KEYS_OFF.test(text)));
	if (withoutForeignKeys) {
		await connection.run("PRAGMA foreign_keys = OFF");
	}
	await connection.run("BEGIN IMMEDIATE");
	const queue = queueOf(connection);
	const problems = withoutForeignKeys ? await referenceProblems(queue) : undefined;
	// SERIAL is Drizzle's type, which means nothing to SQLite.
	await connection.run(
		`CREATE TABLE IF NOT EXISTS ${table} (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at numeric)`,
	);
	const last = await connection.get(`SELECT created_at FROM ${table} ORDER BY created_at DESC LIMIT 1`);
	const pending = migrations.filter(({ folderMillis }) => !last || Number(last.created_at) < folderMillis);
	for (const { sql, hash, folderMillis } of pending) {
		for (const text of sql) {
			await connection.exec(text);
		}
		await connection.run(`INSERT INTO ${table} (hash, created_at) VALUES (?, ?)`, [hash, folderMillis]);
	}
	if (problems && pending.length > 0) {
		checkReferences(problems, await referenceProblems(queue), "the migrations");
	}
	await connection.run("COMMIT");
}

module.exports = { createMigrate };
