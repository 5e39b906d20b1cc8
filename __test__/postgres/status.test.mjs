// `npx rootcellar status` on PostgreSQL, and the warnings of a process.

import { expect, onTestFinished, test } from "vitest";
import { json, rootcellar } from "../cli/cli.mjs";
import { runModule } from "../helpers/child.mjs";
import { startPostgres, storeOn, temporaryDatabase } from "../helpers/postgres.mjs";
import { shortest, until } from "../helpers/time.mjs";
import { makeSdkTable } from "./sdk-table.mjs";
import { startStandby, waitForStandbys } from "./servers/standby.mjs";

test("a server alone", async () => {
	const { server, config } = await temporaryDatabase();
	const store = storeOn(config);
	await store.appData.set(Array.from({ length: 50 }, (_, n) => ({ key: `k${n}`, value: n })));
	const env = { DATABASE_CONFIG: config };
	let found;
	// The skew is as uncertain as asking takes long.
	const skewMs = await shortest(1_000, async () => {
		found = await json(["status"], { env });
		return Math.abs(found.skewMs);
	});
	expect(found).toMatchObject({
		version: expect.stringMatching(/^18\./),
		standbys: [],
		isSynchronous: false,
		connections: { max: 100 },
		writers: { rows: 1 },
	});
	expect(found.sizeBytes).toBeGreaterThan(1_000_000);
	expect(skewMs).toBeLessThan(1_000);
	expect(found.connections.used).toBeGreaterThanOrEqual(2);
	const { stdout, code } = await rootcellar(["status"], { env });
	expect(code).toBe(0);
	expect(stdout).toMatch(/^server +PostgreSQL 18\.\d+, the primary$/m);
	expect(stdout).toMatch(/^replication +none: /m);
	expect(stdout).toMatch(/^ledger +1 writers?/m);
	for (const secret of [server.password, String(server.port), server.folder]) expect(stdout).not.toContain(secret);
});

test("a database that no store has used yet, and one of the SDK's, which it leaves as they are", async () => {
	const { config, query } = await temporaryDatabase();
	const env = { DATABASE_CONFIG: config };
	const tables = () => query("SELECT relname FROM pg_class WHERE relname LIKE '\\_\\_root%' ORDER BY relname");
	expect(await json(["status"], { env })).toMatchObject({
		version: expect.stringMatching(/^18\./),
		tables: "missing",
		keys: 0,
		writers: null,
		connections: { max: 100 },
	});
	const empty = await rootcellar(["status"], { env });
	expect(empty.stdout).toMatch(/^database .* no keys yet/m);
	expect(empty.stdout).not.toMatch(/^ledger/m);
	expect(await tables()).toEqual([]);

	await makeSdkTable(query, [{ key: "k", value: 1 }]);
	const before = await tables();
	expect(await json(["status"], { env })).toMatchObject({ tables: "unadopted", keys: 1, writers: null });
	expect((await rootcellar(["status"], { env })).stdout).toMatch(/^database .* about 1 key, as the SDK has left them/m);
	expect(await tables()).toEqual(before);

	await storeOn(config).appData.get("k");
	expect(await json(["status"], { env })).toMatchObject({ tables: "ready", keys: 1, writers: { rows: 0 } });
});

test("a server that waits for a standby that is not there says so", async () => {
	const { server, config } = await temporaryDatabase();
	const env = { DATABASE_CONFIG: config };
	await storeOn(config).appData.set({ key: "k", value: 1 });
	await server.query("ALTER SYSTEM SET synchronous_standby_names = 'absent'");
	server.reload();
	try {
		await until(async () => (await json(["status"], { env })).isSynchronous, "the new setting");
		const { stdout } = await rootcellar(["status"], { env });
		expect(stdout).toMatch(/^replication +synchronous, but no standby is connected/m);
	} finally {
		await server.query("ALTER SYSTEM RESET synchronous_standby_names");
		server.reload();
	}
});

test("a server with a standby, first asynchronous and then not; a process warns of the former", async () => {
	const primary = await startPostgres();
	const name = await primary.createDatabase();
	const standby = await startStandby(primary, "s1");
	onTestFinished(() => standby.stop());
	const env = { DATABASE_CONFIG: primary.config(name) };
	const use = "await dataStore.appData.set({ key: 'k', value: 1 }); await dataStore.close();";

	const warned = await runModule(use, { env });
	expect(warned.code).toBe(0);
	expect(warned.stderr.match(/ROOTCELLAR_ASYNC_REPLICATION/g)).toHaveLength(1);
	expect(warned.stderr).not.toContain(primary.password);
	expect(await json(["status"], { env })).toMatchObject({
		isSynchronous: false,
		standbys: [{ name: "s1", state: "streaming", sync: "async" }],
	});
	expect((await rootcellar(["status"], { env })).stdout).toMatch(/^replication +asynchronous: /m);

	const standbyAlone = { DATABASE_CONFIG: standby.config(name, { timeoutMs: 5_000 }) };
	const refused = await rootcellar(["status"], { env: standbyAlone });
	expect(refused.code).toBe(1);
	expect(refused.stderr).toContain("ERR_NO_SERVER");
	expect(refused.stderr).toContain("can only be read from");

	await waitForStandbys(primary, ["s1"]);
	expect(await json(["status"], { env })).toMatchObject({
		isSynchronous: true,
		standbys: [{ name: "s1", state: "streaming", sync: "quorum" }],
	});
	const { stdout } = await rootcellar(["status"], { env });
	expect(stdout).toMatch(/^replication +synchronous: /m);
	expect(stdout).toMatch(/^standby +s1, streaming, quorum, /m);
	expect((await runModule(use, { env })).stderr).toBe("");
});
