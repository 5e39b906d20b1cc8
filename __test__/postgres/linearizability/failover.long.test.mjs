// Linearizability on PostgreSQL while the primary is killed and its standby takes its place.

import { setTimeout as sleep } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { storeOn } from "../../helpers/postgres.mjs";
import { expectOrder, expectTransfers } from "../../key-value/linearizability/expectations.mjs";
import { recordAll, startProcess } from "../../key-value/linearizability/participants.mjs";
import { startPair } from "../servers/pair.mjs";

const KILLS = 10;
/** For how long the processes go on before the kill, and after the promotion. */
const AROUND_MS = 400;
/** A busy machine may take long for a promotion, and each write is to have its outcome. */
const TIMEOUT_MS = 120_000;

vi.setConfig({ testTimeout: KILLS * 300_000 });

test("processes see one order of operations, and transfers keep their sum, while the primary is killed and its standby promoted", async () => {
	const pair = await startPair();
	let operations = 0;
	let across = 0;
	for (let kill = 1; kill <= KILLS; kill++) {
		if (kill > 1) await pair.renew();
		const config = pair.config(await pair.primary.createDatabase(`round_${kill}`), { timeoutMs: TIMEOUT_MS });
		const { appData } = storeOn(config);
		const clients = Array.from({ length: 2 + (kill % 3) }, (_, n) => `process${n}`);
		const all = clients.map((client) => startProcess({ client, flows: 2 }, { DATABASE_CONFIG: config }));
		await Promise.all(all.map(({ ready }) => ready));
		const transfers = kill % 2 === 0;
		const zero = process.hrtime.bigint();
		let killed = 0;
		let promoted = 0;
		const meanwhile = async () => {
			await sleep(AROUND_MS);
			killed = Number(process.hrtime.bigint() - zero);
			await pair.failOver();
			promoted = Number(process.hrtime.bigint() - zero);
			await sleep(AROUND_MS);
			for (const one of all) one.stop();
		};
		const history = await recordAll(all, appData, { zero, transfers, meanwhile });
		(transfers ? expectTransfers : expectOrder)(history, `kill ${kill}`);
		operations += history.length;
		across += history.filter(({ invoked, returned }) => invoked < promoted && returned > killed).length;
		expect(history.some(({ returned }) => returned < killed)).toBe(true);
		expect(history.some(({ invoked, returned }) => invoked < promoted && returned > promoted)).toBe(true);
		for (const one of all) await one.end();
	}
	console.log(
		`linearizability across a failover: ${operations.toLocaleString("en")} operations in ${KILLS} histories have an order, ` +
			`${across} of them under way while there was no primary`,
	);
});
