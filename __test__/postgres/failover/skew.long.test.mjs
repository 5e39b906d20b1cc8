// Machines whose clocks differ: expiry goes by the database's for all of them.

import { expect, test } from "vitest";
import { fakeClockPath } from "../../../scripts/lib/install/debian.mjs";
import { json } from "../../cli/cli.mjs";
import { runModule } from "../../helpers/child.mjs";
import { storeOn, temporaryDatabase } from "../../helpers/postgres.mjs";
import { until } from "../../helpers/time.mjs";

/** Runs a module with a clock that differs from this process's. */
async function runSkewed(source, seconds, config) {
	const clock = {
		LD_PRELOAD: fakeClockPath(),
		FAKETIME: `${seconds > 0 ? "+" : ""}${seconds}s`,
		FAKETIME_DONT_FAKE_MONOTONIC: "1",
	};
	const { code, stdout, stderr } = await runModule(source, { env: { ...clock, DATABASE_CONFIG: config } });
	expect(code, stderr).toBe(0);
	return { stderr, found: JSON.parse(stdout) };
}

test.each([-7_200, -30, 30, 7_200])("a clock that is %i s off", async (seconds) => {
	const { config } = await temporaryDatabase();
	const { stderr, found } = await runSkewed(
		`
			const { appData, kv } = dataStore;
			const began = Date.now();
			await appData.set({ key: "a minute", value: began, expiresAt: new Date(began + 60_000) });
			await appData.set({ key: "past", value: 2, expiresAt: new Date(began - 5_000) });
			await kv.setIfAbsent({ key: "relative", value: 3, ttlMs: 60_000 });
			const [entry] = await appData.select("a minute");
			console.log(JSON.stringify({
				began,
				minute: await appData.get("a minute"),
				past: (await appData.get("past")) ?? null,
				relative: await appData.get("relative"),
				off: entry.expiresAt - began,
			}));
			await dataStore.close();
		`,
		seconds,
		config,
	);
	expect(Math.abs(found.began - Date.now() - seconds * 1_000)).toBeLessThan(60_000);
	expect(found).toMatchObject({ minute: found.began, past: null, relative: 3 });
	// The expiry that it has set comes back as it was, but for what measuring the clocks takes.
	expect(Math.abs(found.off - 60_000)).toBeLessThan(1_000);
	expect(stderr.match(/ROOTCELLAR_CLOCK_SKEW/g)).toHaveLength(1);

	const store = storeOn(config);
	expect(await store.appData.get("a minute")).toBe(found.began);
	expect(await store.appData.get("relative")).toBe(3);
	const [{ expiresAt }] = await store.appData.select("a minute");
	const left = expiresAt - Date.now();
	expect(left).toBeGreaterThan(0);
	expect(left).toBeLessThanOrEqual(60_500);
	await until(async () => (await store.appData.get("a minute")) === undefined, "the expiry", left + 60_000);
});

test("status tells by how much", async () => {
	const { config } = await temporaryDatabase();
	await storeOn(config).appData.get("k");
	const clock = { LD_PRELOAD: fakeClockPath(), FAKETIME: "-100s", FAKETIME_DONT_FAKE_MONOTONIC: "1" };
	const { skewMs } = await json(["status"], { env: { ...clock, DATABASE_CONFIG: config } });
	expect(Math.abs(skewMs - 100_000)).toBeLessThan(2_000);
});
