// The server of the tests that run on both engines: one for all of them.

import { startServer } from "../server.mjs";

export default async function setup(project) {
	const server = await startServer({ settings: { max_connections: "400", shared_buffers: "128MB" } });
	const { host, port, username, password } = server;
	project.provide("postgres", { host, port, username, password });
	return () => server.stop();
}
