import { createRequire } from "node:module";
import { serverOfRound } from "../server.mjs";
import { POOL_SIZE } from "./index.mjs";

const require = createRequire(import.meta.url);

const GET = { name: "get", text: "SELECT value FROM kv WHERE key = $1" };
const SET = {
	name: "set",
	text: "INSERT INTO kv VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value",
};
const LOCK = { name: "lock", text: "SELECT value FROM kv WHERE key = $1 FOR UPDATE" };
const UPDATE = { name: "update", text: "UPDATE kv SET value = $2 WHERE key = $1" };

/**
 * `pg` with its pool, and statements that are prepared.
 *
 * @type {import("./index.mjs").Driver}
 */
export const pg = {
	id: "pg",
	title: "pg",
	packages: ["pg"],
	open: async (database) => {
		const { Pool } = require("pg");
		const { username: user, ...server } = serverOfRound();
		const pool = new Pool({ ...server, user, database, max: POOL_SIZE });
		await pool.query("CREATE TABLE IF NOT EXISTS kv (key text PRIMARY KEY, value text NOT NULL)");
		return {
			get: async (key) => {
				const { rows } = await pool.query({ ...GET, values: [key] });
				return rows[0] && JSON.parse(rows[0].value);
			},
			set: (key, value) => pool.query({ ...SET, values: [key, JSON.stringify(value)] }),
			update: async (key, change) => {
				const client = await pool.connect();
				try {
					await client.query("BEGIN");
					const { rows } = await client.query({ ...LOCK, values: [key] });
					await client.query({ ...UPDATE, values: [key, JSON.stringify(change(JSON.parse(rows[0].value)))] });
					await client.query("COMMIT");
				} finally {
					client.release();
				}
			},
			close: () => pool.end(),
		};
	},
};
