import { expect, test } from "vitest";
import { runModuleForJson } from "../../helpers/child.mjs";
import { temporaryDatabase } from "../../helpers/postgres.mjs";
import { startProxy } from "../servers/proxy.mjs";
import { storeOn, withFields, workers } from "../store.mjs";

const FATES = ["before", "within", "after", "late"];

/** Cuts every so many writes, each time in the next way. */
function everyFew(few) {
	let writes = 0;
	return () => {
		writes++;
		return writes % few === 0 ? FATES[(writes / few) % FATES.length] : "pass";
	};
}

async function throughProxy(decide) {
	const database = await temporaryDatabase();
	const proxy = await startProxy(database.server, decide);
	const { host, port } = proxy;
	return { database, proxy, config: withFields(database.config, { host, port }) };
}

test("every acknowledged write is there once, wherever connections are cut", async () => {
	const { database, proxy, config } = await throughProxy(everyFew(4));
	const store = storeOn(config);
	let added = 0;
	await workers(6, async (worker) => {
		for (let n = 0; n < 20; n++) {
			const [sum] = await Promise.all([
				store.kv.increment(`counter:${worker % 2}`),
				store.appData.set({ key: `own:${worker}:${n}`, value: n }),
				store.appData.update("list", (list) => [...list, `${worker}:${n}`], []),
			]);
			expect(sum).toBeGreaterThan(0);
			added++;
		}
	});
	for (const fate of FATES) expect(proxy.cuts[fate], fate).toBeGreaterThan(0);
	const rows = await database.query("SELECT key, value FROM __rootapp_kv");
	const values = new Map(rows.map(({ key, value }) => [key, JSON.parse(value)]));
	expect(values.get("counter:0") + values.get("counter:1")).toBe(added);
	expect(values.get("list").toSorted()).toEqual(
		Array.from({ length: 120 }, (_, index) => `${Math.floor(index / 20)}:${index % 20}`).toSorted(),
	);
	expect(rows.filter(({ key }) => key.startsWith("own:"))).toHaveLength(120);
});

test("a transaction whose commit is cut is committed once, or rejects and is not there", async () => {
	const { database, proxy, config } = await throughProxy(everyFew(3));
	const store = storeOn(config);
	let committed = 0;
	for (let n = 0; n < 24; n++) {
		await store
			.transaction(async (tx) => {
				await tx.kv.increment("sum");
				await tx.appData.set({ key: `tx:${n}`, value: n });
			})
			.then(
				() => committed++,
				(error) => expect(error.code).toBe("ERR_TRANSACTION_LOST"),
			);
	}
	expect(Object.values(proxy.cuts).reduce((sum, count) => sum + count)).toBeGreaterThan(3);
	const [{ value }] = await database.query("SELECT value FROM __rootapp_kv WHERE key = 'sum'");
	expect(Number(value)).toBe(committed);
	expect(await database.query("SELECT FROM __rootapp_kv WHERE key LIKE 'tx:%'")).toHaveLength(committed);
});

test("a blind retry, which does without the ledger, applies writes twice, and this is found", async () => {
	const { config } = await throughProxy(everyFew(2));
	const { added, found } = await runModuleForJson(
		`
		let added = 0;
		for (let n = 0; n < 40; n++) {
			await dataStore.kv.increment("counter");
			added++;
		}
		const found = await dataStore.appData.get("counter");
		console.log(JSON.stringify({ added, found }));
	`,
		{ env: { DATABASE_CONFIG: config, ROOTCELLAR_TEST_BLIND_RETRY: "1" } },
	);
	expect(added).toBe(40);
	expect(found).toBeGreaterThan(added);
});
