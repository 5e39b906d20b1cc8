// Rows that a store removes every half minute.

import { expect, test } from "vitest";
import { temporaryDatabase } from "../helpers/postgres.mjs";
import { until } from "../helpers/time.mjs";
import { storeOn } from "./store.mjs";

test("the rows of writers that are gone for a week are removed, and a writer that was idle for one goes on", async () => {
	const { config, query } = await temporaryDatabase();
	const store = storeOn(config);
	await store.appData.set({ key: "k", value: 1 });
	await query("UPDATE __rootcellar_writers SET used_at = now() - interval '8 days'");
	await query(
		"INSERT INTO __rootcellar_writers VALUES ('gone', 1, 1, now() - interval '8 days'), ('idle', 1, 1, now() - interval '6 days')",
	);
	const ids = async () => (await query("SELECT id FROM __rootcellar_writers ORDER BY used_at")).map(({ id }) => id);
	// It has not read anything: the upkeep does not need that.
	await until(async () => (await ids()).length === 1, "the removal of the rows");
	expect(await ids()).toEqual(["idle"]);
	expect(await store.kv.increment("k")).toBe(2);
	expect((await ids()).length).toBe(2);
});
