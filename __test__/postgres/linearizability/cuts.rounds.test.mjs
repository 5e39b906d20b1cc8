// Linearizability on PostgreSQL: two to four processes, also while their connections are cut.

import { setTimeout as sleep } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { storeOn, temporaryDatabase } from "../../helpers/postgres.mjs";
import { rounds } from "../../helpers/rounds.mjs";
import { expectOrder, expectTransfers } from "../../key-value/linearizability/expectations.mjs";
import { recordAll, startProcess } from "../../key-value/linearizability/participants.mjs";

const ROUNDS = rounds({ few: 3, many: 12, long: 100 });
const ROUND_MS = 300;
/** Pause between two cuts. */
const PAUSE_MS = 30;

vi.setConfig({ testTimeout: 300_000 + ROUNDS * 60_000 });

/** Ends connections of others to a database, one by one, for the time of a round. Resolves with how many. */
async function cutConnections({ server, name }) {
	const end = performance.now() + ROUND_MS;
	let cuts = 0;
	while (performance.now() < end) {
		const found = await server.query(
			`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE datname = $1 AND application_name = 'rootcellar' ORDER BY random() LIMIT 1`,
			[name],
		);
		cuts += found.length;
		await sleep(PAUSE_MS);
	}
	return cuts;
}

test("processes on one database see one order of operations, and transfers keep their sum, also while connections are cut", async () => {
	const database = await temporaryDatabase();
	const { appData } = storeOn(database.config);
	const all = ["process1", "process2", "process3", "process4"].map((client) =>
		startProcess({ client, flows: 2 }, { DATABASE_CONFIG: database.config }),
	);
	await Promise.all(all.map(({ ready }) => ready));
	let operations = 0;
	let cuts = 0;
	for (let round = 0; round < ROUNDS; round++) {
		const some = all.slice(0, 2 + (round % 3));
		for (const transfers of [false, true]) {
			for (const isCut of [false, true]) {
				const meanwhile = async () => {
					if (isCut) cuts += await cutConnections(database);
				};
				const history = await recordAll(some, appData, { until: ROUND_MS * 1e6, transfers, meanwhile });
				(transfers ? expectTransfers : expectOrder)(history, `round ${round}${isCut ? ", cut" : ""}`);
				expect(new Set(history.map(({ client }) => client)).size).toBe(some.length);
				operations += history.length;
			}
		}
	}
	expect(cuts).toBeGreaterThan(2 * ROUNDS);
	console.log(
		`linearizability on PostgreSQL: ${operations.toLocaleString("en")} operations of 2 to 4 processes in ${4 * ROUNDS} ` +
			`histories have an order, with ${cuts.toLocaleString("en")} connections cut`,
	);
});
