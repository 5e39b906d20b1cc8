// Number of connections that a process opens, whatever it does: a server has to have room for them.

import { expect, test } from "vitest";
import { json } from "../../cli/cli.mjs";
import { temporaryDatabase } from "../../helpers/postgres.mjs";
import { until } from "../../helpers/time.mjs";
import { storeOn } from "../store.mjs";

const COUNT = "SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = $1 AND application_name = 'rootcellar'";

/** Counts the connections to a database, as seen from another, again and again; `stop` gives the most at a time. */
function countConnections({ server, name }) {
	let most = 0;
	let stopped = false;
	const counting = (async () => {
		while (!stopped) {
			const [{ n }] = await server.query(COUNT, [name]);
			most = Math.max(most, n);
		}
	})();
	return async () => {
		stopped = true;
		await counting;
		return most;
	};
}

test("a store has two connections, whatever it does at a time, and none before its first use and after its end", async () => {
	const database = await temporaryDatabase();
	const connections = async () => (await database.server.query(COUNT, [database.name]))[0].n;
	const { appData, kv, transaction, close } = storeOn(database.config);
	expect(await connections()).toBe(0);
	const stop = countConnections(database);
	const watching = new AbortController();
	const told = [];
	const watched = (async () => {
		for await (const change of kv.watch({ prefix: "k", signal: watching.signal })) told.push(change);
	})().catch(() => {});
	for (let round = 0; round < 5; round++) {
		await Promise.all([
			...Array.from({ length: 100 }, (_, n) => appData.set({ key: `k${n}`, value: round })),
			...Array.from({ length: 100 }, (_, n) => appData.get(`k${n}`)),
			...Array.from({ length: 20 }, () => kv.increment("sum")),
			appData.update("k0", (value) => value + 1, 0),
			appData.select("k%"),
			appData.deleteLike("none%"),
			transaction(async (tx) => {
				await tx.query("SELECT pg_sleep(0.05)::text");
				await Promise.all([tx.kv.increment("sum"), appData.get("k1"), appData.select("k%")]);
			}),
		]);
	}
	await until(() => told.length > 0, "the watch");
	watching.abort();
	await watched;
	expect(await stop()).toBe(2);
	await close();
	await until(async () => (await connections()) === 0, "the end of the connections");
});

test("status counts them", async () => {
	const { config } = await temporaryDatabase();
	const stores = [storeOn(config), storeOn(config)];
	for (const { appData } of stores) {
		await appData.set({ key: "k", value: 1 });
		await appData.get("k");
	}
	const { connections } = await json(["status"], { env: { DATABASE_CONFIG: config } });
	expect(connections.ofThisUser).toBeGreaterThanOrEqual(4);
	expect(connections.used).toBeLessThan(connections.max);
});
