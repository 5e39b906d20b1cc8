// PostgreSQL in tests: a server for each test file, a database for each test.

import { openDataStore } from "rootcellar";
import { afterAll, onTestFinished } from "vitest";
import { startServer } from "../postgres/servers/server.mjs";

/** @type {ReturnType<typeof startServer> | undefined} */
let shared;

afterAll(async () => {
	await (await shared)?.stop();
});

/** The server of this test file, which starts when it is first wanted. */
export function postgres() {
	shared ??= startServer();
	return shared;
}

/** A server of the test's own, with the options of `startServer`. */
export async function startPostgres(options) {
	const server = await startServer(options);
	onTestFinished(() => server.stop());
	return server;
}

/**
 * A new database on the server of this test file: its `name`, the `config` for `DATABASE_CONFIG`, its `url`, and `query(text,
 * parameters)`, which resolves with rows.
 */
export async function temporaryDatabase() {
	const server = await postgres();
	const name = await server.createDatabase();
	return {
		server,
		name,
		config: server.config(name),
		url: server.url(name),
		query: (text, parameters) => server.query(text, parameters, name),
	};
}

/** Sets `DATABASE_CONFIG`, and other variables, until the test ends. */
export function configure(config, variables = {}) {
	const changed = { DATABASE_CONFIG: config, ...variables };
	for (const [name, value] of Object.entries(changed)) {
		const before = process.env[name];
		process.env[name] = value;
		onTestFinished(() => {
			if (before === undefined) delete process.env[name];
			else process.env[name] = before;
		});
	}
}

/** The store that a configuration names, closed when the test ends. It is read when the store is first used. */
export function storeOn(config, variables) {
	configure(config, variables);
	const store = openDataStore();
	onTestFinished(() => store.close());
	return store;
}
