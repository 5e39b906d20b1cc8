// The primary is killed under load, and its synchronous standby takes its place.

import { setTimeout as sleep } from "node:timers/promises";
import { openDataStore } from "rootcellar";
import { test } from "vitest";
import { configure } from "../../helpers/postgres.mjs";
import { rounds } from "../../helpers/rounds.mjs";
import { until } from "../../helpers/time.mjs";
import { startPair } from "../servers/pair.mjs";
import { expectExact, startLoad } from "./failover.mjs";

const KILLS = rounds({ few: 1, many: 3, long: 20 });
const LANES = 16;
const ROUND_MS_MAX = 300_000;

test(
	`${KILLS} kills of the primary lose nothing that was acknowledged, and apply nothing twice`,
	async () => {
		const pair = await startPair();
		let acknowledged = 0;
		let unknown = 0;
		let longestGapMs = 0;
		for (let kill = 1; kill <= KILLS; kill++) {
			if (kill > 1) await pair.renew();
			configure(pair.config(await pair.primary.createDatabase(`round_${kill}`)));
			const store = openDataStore();
			const load = startLoad(store, LANES);
			await until(() => load.acknowledged > 200, "writes before the kill");
			await sleep(Math.random() * 200);
			const before = load.acknowledged;
			await pair.failOver();
			await until(() => load.acknowledged > before + 200, "writes after the promotion");
			const outcome = await load.stop();
			acknowledged += outcome.writes;
			unknown += outcome.writesUnknown;
			longestGapMs = Math.max(longestGapMs, outcome.longestGapMs);
			await expectExact(store, outcome);
			await store.close();
		}
		console.log(
			`failover: ${KILLS} kills, ${acknowledged.toLocaleString("en")} acknowledged writes, none lost and none applied ` +
				`twice, ${unknown} of unknown outcome; at most ${(longestGapMs / 1_000).toFixed(1)} s without one`,
		);
	},
	ROUND_MS_MAX * KILLS,
);
