// Commits whose wait for a standby is cancelled: the server says that they are done, although they would be lost with it.

import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { rejection } from "../../helpers/errors.mjs";
import { startPostgres } from "../../helpers/postgres.mjs";
import { until } from "../../helpers/time.mjs";
import { storeOn } from "../store.mjs";

const WAITING = "FROM pg_stat_activity WHERE wait_event = 'SyncRep'";

/** A store on a server that waits for a standby that is not there, and what lets it wait no longer. */
async function waitingForStandby(fields = {}) {
	const server = await startPostgres();
	const store = storeOn(server.config(await server.createDatabase(), fields));
	await store.appData.set({ key: "before", value: 1 });
	const wait = (names) => {
		server.set({ synchronous_standby_names: names });
		server.reload();
	};
	wait("absent");
	const isSet = async () => (await server.query("SHOW synchronous_standby_names"))[0].synchronous_standby_names !== "";
	await until(isSet, "the new setting");
	return { server, store, stopWaiting: () => wait("") };
}

test("resolve when a standby has them, once each, however often their wait is cancelled", async () => {
	const { server, store, stopWaiting } = await waitingForStandby();
	const operations = [
		() => store.appData.set({ key: "set", value: 1 }),
		() => store.kv.increment("sum"),
		() => store.appData.deleteLike("bef%"),
		() => store.transaction((tx) => tx.kv.increment("sum")),
	];
	let settled = 0;
	const all = operations.map((operation) => operation().finally(() => settled++));
	for (let n = 0; n < 4; n++) {
		const cancelled = [];
		await until(async () => {
			cancelled.push(...(await server.query(`SELECT pg_cancel_backend(pid) ${WAITING}`)));
			return cancelled.length > 0;
		}, "a commit that waits");
		await sleep(200);
		expect(settled).toBe(0);
	}
	stopWaiting();
	await Promise.all(all);
	expect(await store.kv.getMany(["before", "set", "sum"])).toEqual([undefined, 1, 2]);
});

test("reject as unknown if every wait is cut off by a limit of the server's", async () => {
	const { server, store, stopWaiting } = await waitingForStandby({ timeoutMs: 3_000 });
	await server.query("ALTER SYSTEM SET statement_timeout = '300ms'");
	server.reload();
	await until(async () => (await server.query("SHOW statement_timeout"))[0].statement_timeout === "300ms", "the limit");
	const error = await rejection(() => store.appData.set({ key: "k", value: 1 }));
	expect(error).toMatchObject({ code: "ERR_OUTCOME_UNKNOWN" });
	stopWaiting();
	expect(await store.appData.get("before")).toBe(1);
	await store.appData.set({ key: "k", value: 2 });
	expect(await store.appData.get("k")).toBe(2);
});
