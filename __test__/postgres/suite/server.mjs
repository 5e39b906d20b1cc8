// The server of the tests that run on both engines: one for all of them.

import { startPgbouncer } from "../servers/pgbouncer.mjs";
import { startServer } from "../servers/server.mjs";

/** Ways in which the tests reach the server, and its settings beside the usual. */
const WAYS = {
	plain: {},
	serializable: { settings: { default_transaction_isolation: "serializable" } },
	pgbouncer: { hasPooler: true },
};

export default async function setup(project) {
	const { settings = {}, hasPooler = false } = WAYS[process.env.ROOTCELLAR_TEST_POSTGRES_WAY ?? "plain"];
	const server = await startServer({ settings: { max_connections: "400", shared_buffers: "128MB", ...settings } });
	const { host, port, username, password } = server;
	const pooler = hasPooler ? await startPgbouncer(server) : undefined;
	const stores = pooler === undefined ? { host, port } : { host: pooler.host, port: pooler.port };
	project.provide("postgres", { host, port, username, password, stores });
	return async () => {
		await pooler?.stop();
		await server.stop();
	};
}
