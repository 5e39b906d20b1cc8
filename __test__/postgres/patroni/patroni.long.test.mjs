// Failover by Patroni: the leader is killed under load, again and again.

import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { until } from "../../helpers/time.mjs";
import { expectExact, startLoad } from "../failover/failover.mjs";
import { storeOn } from "../store.mjs";
import { startCluster } from "./cluster.mjs";

const KILLS = Number(process.env.ROOTCELLAR_TEST_PATRONI_KILLS ?? 20);
const LANES = 6;
/** Longer than a lost machine counts as the leader, and the election takes, on a busy machine. */
const TIMEOUT_MS = 180_000;

test(
	`${KILLS} kills of Patroni's leader lose nothing that was acknowledged, and apply nothing twice`,
	async () => {
		const cluster = await startCluster();
		let leader = await cluster.leader();
		const loads = [];
		for (const way of ["servers", "haproxy"]) {
			await cluster.createDatabase(leader, way);
			const store = storeOn(cluster.config(way, way, { timeoutMs: TIMEOUT_MS }));
			loads.push({ way, store, load: startLoad(store, LANES) });
		}
		const goesOn = async (moment) => {
			const before = loads.map(({ load }) => load.acknowledged);
			const hasGone = () => loads.every(({ load }, index) => load.acknowledged > before[index] + 100);
			await until(hasGone, `writes ${moment}`, 2 * TIMEOUT_MS);
		};
		let elections = 0;
		for (let kill = 1; kill <= KILLS; kill++) {
			await goesOn("before the kill");
			await sleep(Math.random() * 200);
			// A lost machine, or a server that Patroni starts again in its place.
			const withPatroni = kill % 4 !== 0;
			cluster.kill(leader, { withPatroni });
			await goesOn("after the kill");
			if (withPatroni) await cluster.revive(leader);
			const next = await cluster.leader();
			if (next !== leader) elections++;
			leader = next;
		}
		for (const { way, store, load } of loads) {
			const outcome = await load.stop();
			expect(outcome.writesUnknown).toBe(0);
			await expectExact(store, outcome);
			console.log(
				`failover by Patroni (${way}): ${KILLS} kills, ${elections} elections, ` +
					`${outcome.writes.toLocaleString("en")} acknowledged writes, none lost and none applied twice; ` +
					`at most ${(outcome.longestGapMs / 1_000).toFixed(1)} s without one`,
			);
		}
		expect(elections).toBeGreaterThanOrEqual(Math.floor(KILLS / 2));
	},
	KILLS * 600_000,
);
