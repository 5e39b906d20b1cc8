import { serverOfRound } from "../server.mjs";
import { POOL_SIZE } from "./index.mjs";

/**
 * postgres.js, which prepares its statements by itself and pipelines them.
 *
 * @type {import("./index.mjs").Driver}
 */
export const postgresJs = {
	id: "postgres-js",
	title: "postgres.js",
	packages: ["postgres"],
	open: async (database) => {
		const { default: postgres } = await import("postgres");
		const sql = postgres({ ...serverOfRound(), database, max: POOL_SIZE, onnotice: () => {} });
		await sql`CREATE TABLE IF NOT EXISTS kv (key text PRIMARY KEY, value text NOT NULL)`;
		return {
			get: async (key) => {
				const [row] = await sql`SELECT value FROM kv WHERE key = ${key}`;
				return row && JSON.parse(row.value);
			},
			set: (key, value) =>
				sql`INSERT INTO kv VALUES (${key}, ${JSON.stringify(value)}) ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value`,
			update: (key, change) =>
				sql.begin(async (transaction) => {
					const [row] = await transaction`SELECT value FROM kv WHERE key = ${key} FOR UPDATE`;
					const text = JSON.stringify(change(JSON.parse(row?.value)));
					await transaction`UPDATE kv SET value = ${text} WHERE key = ${key}`;
				}),
			close: () => sql.end(),
		};
	},
};
