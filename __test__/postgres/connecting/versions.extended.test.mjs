// Every version of the server that is supported, and one that is not.

import { expect, test } from "vitest";
import { POSTGRES_TOO_OLD, POSTGRES_VERSIONS } from "../../../scripts/lib/install/postgres.mjs";
import { expectFailure } from "../../helpers/errors.mjs";
import { startPostgres, storeOn } from "../../helpers/postgres.mjs";
import { makeSdkTable, sdkRows } from "../sdk-table.mjs";

const all = async (appData) => (await appData.select("%")).map(({ key, value }) => [key, value]);

test.each(POSTGRES_VERSIONS)("PostgreSQL %i: a new database, and one of the SDK's", async (version) => {
	const server = await startPostgres({ version });
	const fresh = storeOn(server.config(await server.createDatabase()));
	const { appData, kv } = fresh;
	await Promise.all(Array.from({ length: 300 }, (_, n) => appData.update(`k${n % 3}`, (value) => value + 1, 0)));
	expect(await all(appData)).toEqual([
		["k0", 100],
		["k1", 100],
		["k2", 100],
	]);
	expect(await kv.increment("n", 5)).toBe(5);
	expect(await kv.count({ prefix: "k" })).toBe(3);
	await appData.deleteLike("k%");
	expect(await all(appData)).toEqual([["n", 5]]);

	const name = await server.createDatabase();
	await makeSdkTable((text, parameters) => server.query(text, parameters, name), sdkRows);
	const adopted = storeOn(server.config(name));
	expect(await all(adopted.appData)).toEqual([
		["b", "newest"],
		["a", 2],
	]);
});

test("a server that is too old", async () => {
	const server = await startPostgres({ version: POSTGRES_TOO_OLD });
	const store = storeOn(server.config(await server.createDatabase(), { timeoutMs: 5_000 }));
	const error = await expectFailure(() => store.appData.set({ key: "k", value: 1 }), "ERR_SERVER_UNSUPPORTED");
	expect(error.message).toContain("15");
});
