// The primary is killed under load, and its synchronous standby takes its place.

import { setTimeout as sleep } from "node:timers/promises";
import { openDataStore } from "rootcellar";
import { expect, test } from "vitest";
import { configure, startPostgres } from "../helpers/postgres.mjs";
import { rounds } from "../helpers/rounds.mjs";
import { until } from "../helpers/time.mjs";
import { startLoad } from "./failover.mjs";
import { startStandby, waitForStandbys } from "./standby.mjs";

const KILLS = rounds({ few: 1, many: 3, long: 20 });
const LANES = 16;
const ROUND_MS_MAX = 300_000;

test(
	`${KILLS} kills of the primary lose nothing that was acknowledged, and apply nothing twice`,
	async () => {
		const primary = await startPostgres({ durable: true });
		const name = await primary.createDatabase();
		let servers = [primary, await startStandby(primary, "s0", { durable: true })];
		let acknowledged = 0;
		let longestGapMs = 0;
		try {
			await waitForStandbys(primary, ["s0"]);
			for (let kill = 1; kill <= KILLS; kill++) {
				const [old, next] = servers;
				const database = kill === 1 ? name : `round_${kill}`;
				if (kill > 1) await old.createDatabase(database);
				const host = servers.map((server) => server.host).join(",");
				const port = servers.map((server) => server.port).join(",");
				configure(old.config(database, { host, port }));
				const store = openDataStore();
				const load = startLoad(store, LANES);
				await until(() => load.acknowledged > 200, "writes before the kill");
				await sleep(Math.random() * 200);
				await old.kill();
				const before = load.acknowledged;
				await next.promote();
				// Its settings are a copy of those of the primary, and there is no standby yet that it could wait for.
				await waitForStandbys(next, []);
				await until(() => load.acknowledged > before + 200, "writes after the promotion");
				const outcome = await load.stop();
				acknowledged += load.acknowledged + outcome.counted;
				longestGapMs = Math.max(longestGapMs, outcome.longestGapMs);
				await expectExact(store, outcome);
				await store.close();
				await old.stop();
				const standby = await startStandby(next, `s${kill}`, { durable: true });
				servers = [next, standby];
				await waitForStandbys(next, [`s${kill}`]);
			}
			console.log(
				`failover: ${KILLS} kills, ${acknowledged.toLocaleString("en")} acknowledged writes, none lost and none applied ` +
					`twice; at most ${(longestGapMs / 1_000).toFixed(1)} s without one`,
			);
		} finally {
			for (const server of servers) await server.stop();
		}
	},
	ROUND_MS_MAX * KILLS,
);

/** Every acknowledged write is there once, and nothing else but what may be. */
async function expectExact({ appData, kv }, { acknowledged, unknown, counted, unknownCounts, failures }) {
	expect(failures.map(({ code, message }) => `${code}: ${message}`)).toEqual([]);
	const keys = new Set((await appData.select("lane:%")).map(({ key }) => key));
	let written = 0;
	for (const [index, count] of acknowledged.entries()) {
		if (unknown[index] > 0) continue;
		for (let n = 0; n < count; n++) expect(keys.has(`lane:${index}:${n}`), `lane:${index}:${n}`).toBe(true);
		written += count;
	}
	expect(keys.size).toBeGreaterThanOrEqual(written);
	const count = await kv.increment("count", 0);
	expect(count).toBeGreaterThanOrEqual(counted);
	expect(count).toBeLessThanOrEqual(counted + unknownCounts);
}
