import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

const TESTS_SERVER = new URL("../../../__test__/postgres/servers/server.mjs", import.meta.url);

/** The variable that has the place of the server, for the processes of a round. */
const VARIABLE = "ROOTCELLAR_BENCHMARK_POSTGRES";

/** The server keeps what it has confirmed, as the default is. */
const SETTINGS = { shared_buffers: "1GB", max_connections: "200", max_wal_size: "4GB" };

/**
 * Place of a server, and its superuser.
 *
 * @typedef {{ host: string, port: number, username: string, password: string }} Server
 */

/** Starts the server that all drivers of a round share, as the tests start theirs. */
export async function startServer() {
	const { startServer: start } = await import(TESTS_SERVER.href);
	const server = await start({ durable: true, settings: SETTINGS });
	// The SDK puts a password into a URL as it is.
	const [username, password] = ["bench", "bench"];
	await server.query(`CREATE ROLE ${username} SUPERUSER LOGIN PASSWORD '${password}'`);
	const { host, port } = server;
	return {
		env: { [VARIABLE]: JSON.stringify({ host, port, username, password }) },
		end: () => server.stop(),
	};
}

/** @returns {Server} */
export function serverOfRound() {
	return JSON.parse(process.env[VARIABLE] ?? "");
}

/**
 * A connection of `pg`.
 *
 * @param {string} database
 * @returns {Promise<any>}
 */
export async function connect(database) {
	const { Client } = require("pg");
	const { host, port, username: user, password } = serverOfRound();
	const client = new Client({ host, port, user, password, database });
	await client.connect();
	return client;
}

/**
 * Makes an empty database.
 *
 * @param {string} name
 */
export async function createDatabase(name) {
	const client = await connect("postgres");
	await client.query(`CREATE DATABASE ${name}`);
	await client.end();
}
