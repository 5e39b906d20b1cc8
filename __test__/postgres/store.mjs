// Stores on PostgreSQL, which only DATABASE_CONFIG chooses.

import { onTestFinished } from "vitest";
import { openDataStore } from "../../index.mjs";

/** The advisory lock of commits: `COMMITS` in `src/engine/postgres/table/commits.rs`. */
export const COMMITS = "8245935278387129709";

/** The text of a configuration, with other fields. */
export function withFields(config, fields) {
	const parsed = JSON.parse(config);
	return JSON.stringify({ ...parsed, pg: { ...parsed.pg, ...fields } });
}

/** A store that this configuration names, closed when the test ends. It is not connected yet. */
export function storeOn(config) {
	process.env.DATABASE_CONFIG = config;
	const store = openDataStore();
	// The configuration is looked at when it is first needed, and kept.
	void store.config;
	delete process.env.DATABASE_CONFIG;
	onTestFinished(() => store.close());
	return store;
}

/** Runs so many tasks, each of which waits for its own end before it goes on. */
export async function workers(count, work) {
	await Promise.all(Array.from({ length: count }, (_, index) => work(index)));
}
