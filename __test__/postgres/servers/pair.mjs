// A primary with a synchronous standby that takes its place.

import { onTestFinished } from "vitest";
import { startServer } from "./server.mjs";
import { startStandby, waitForStandbys } from "./standby.mjs";

/** Starts both, which end with the test. */
export async function startPair() {
	const started = [await startServer({ durable: true })];
	onTestFinished(async () => {
		for (const server of started) await server.stop();
	});
	let [primary] = started;
	let standby = await followerOf(primary);

	async function followerOf(server) {
		const name = `standby_${started.length}`;
		const follower = await startStandby(server, name, { durable: true });
		started.push(follower);
		await waitForStandbys(server, [name]);
		return follower;
	}

	return {
		get primary() {
			return primary;
		},
		/** A value of `DATABASE_CONFIG` that names both. */
		config(database, fields) {
			const servers = [primary, standby];
			const host = servers.map((server) => server.host).join(",");
			const port = servers.map((server) => server.port).join(",");
			return primary.config(database, { host, port, ...fields });
		},
		/** Kills the primary, as `kill -9` of all its processes does, and promotes the standby, which then has none itself. */
		async failOver() {
			await primary.kill();
			await standby.promote();
			// Its settings are a copy of those of the primary, and there is no standby yet that it could wait for.
			await waitForStandbys(standby, []);
		},
		/** Makes the promoted standby the primary, with a new standby. */
		async renew() {
			await primary.stop();
			primary = standby;
			standby = await followerOf(primary);
		},
	};
}
