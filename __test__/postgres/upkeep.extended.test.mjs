// Rows that a store removes every half minute, and those that are none of its business.

import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { locationFromEnvironment } from "../../lib/config/location.js";
import { openAdmin } from "../../lib/native/postgres/admin.js";
import { temporaryDatabase } from "../helpers/postgres.mjs";
import { until } from "../helpers/time.mjs";
import { storeOn } from "./store.mjs";

/** Interval of the upkeep, `PURGE_INTERVAL` of `src/limits.rs`. */
const UPKEEP_MS = 30_000;

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

test("a row that expired a minute ago is removed, and one that has just expired is left for a while", async () => {
	const { config, query } = await temporaryDatabase();
	const store = storeOn(config);
	const keys = ["old", "recent", "live"];
	await store.appData.set(keys.map((key) => ({ key, value: 1 })));
	await query("UPDATE __rootapp_kv SET expires_at = now() - interval '2 minutes' WHERE key = 'old'");
	const expireNow = "UPDATE __rootapp_kv SET expires_at = now() - interval '1 second' WHERE key = 'recent'";
	await query(expireNow);
	expect(await store.kv.getMany(keys)).toEqual([undefined, undefined, 1]);
	const left = async () => (await query("SELECT key FROM __rootapp_kv ORDER BY key DESC")).map(({ key }) => key);
	// It has just expired whenever they are removed, however long that takes.
	const hasGone = async () => {
		await query(expireNow);
		return !(await left()).includes("old");
	};
	await until(hasGone, "the removal of the row");
	expect(await left()).toEqual(["recent", "live"]);
});

test("an export that takes longer than that is of one moment, and removes nothing", async () => {
	const { config, query } = await temporaryDatabase();
	const store = storeOn(config);
	const keys = Array.from({ length: 1_500 }, (_, n) => `k${n}`);
	await store.appData.set(keys.map((key) => ({ key, value: 1 })));
	await store.close();
	await query("UPDATE __rootapp_kv SET expires_at = now() - interval '1 day' WHERE key = 'k1'");
	const live = keys.filter((key) => key !== "k1");
	const admin = await openAdmin(locationFromEnvironment({ DATABASE_CONFIG: config }).postgres);
	try {
		const first = await admin.exportPage(true);
		await query("DELETE FROM __rootapp_kv WHERE key = 'k1499'");
		await sleep(UPKEEP_MS + 3_000);
		const second = await admin.exportPage(false);
		expect([...first.rows, ...second.rows].map(([key]) => key)).toEqual(live);
	} finally {
		await admin.close();
	}
	expect(await query("SELECT count(*)::int AS n FROM __rootapp_kv")).toEqual([{ n: 1_499 }]);
});
