import { expect, test } from "vitest";
import { runModuleForJson } from "../../helpers/child.mjs";
import { startPostgres, temporaryDatabase } from "../../helpers/postgres.mjs";
import { storeOn, withFields, workers } from "../store.mjs";

/**
 * Program of several processes that write a few keys at once. Each adds so often to each; and takes locks that it gives back.
 */
const ADDING = `
	const [rounds] = process.argv.slice(1).map(Number);
	let locks = 0;
	await Promise.all(Array.from({ length: 4 }, async (_, worker) => {
		for (let n = 0; n < rounds; n++) {
			await Promise.all([
				dataStore.appData.update("updated", (value) => value + 1, 0),
				dataStore.kv.increment("incremented"),
				dataStore.kv.updateMany(["from", "to"], ({ from = 0, to = 0 }) => ({ from: from - 1, to: to + 1 })),
			]);
			if (await dataStore.kv.setIfAbsent({ key: "lock", value: worker })) {
				locks++;
				await dataStore.kv.increment("inside");
				if ((await dataStore.kv.increment("inside", -1)) !== 0) throw new Error("two have the lock");
				if (await dataStore.kv.getAndDelete("lock") !== worker) throw new Error("another had the lock");
			}
		}
	}));
	console.log(locks);
`;

async function add(config, processes, rounds) {
	const env = { DATABASE_CONFIG: config };
	const children = Array.from({ length: processes }, () => runModuleForJson(ADDING, { args: [String(rounds)], env }));
	return Promise.all(children);
}

async function expectSums(database, sum) {
	const store = storeOn(database.config);
	const found = await store.kv.getMany(["updated", "incremented", "from", "to", "inside", "lock"]);
	expect(found).toEqual([sum, sum, -sum, sum, 0, undefined]);
}

test("updates, increments, transfers and locks of two processes add up exactly", async () => {
	const database = await temporaryDatabase();
	const locks = await add(database.config, 2, 10);
	expect(Math.min(...locks)).toBeGreaterThan(0);
	await expectSums(database, 80);
});

test("the same where every transaction is serializable by default", async () => {
	const server = await startPostgres({ settings: { default_transaction_isolation: "serializable" } });
	const name = await server.createDatabase();
	const database = { config: server.config(name) };
	await add(database.config, 2, 6);
	await expectSums(database, 48);
});

test("writes of many keys in opposite orders neither fail nor wait for each other for long", async () => {
	const database = await temporaryDatabase();
	const stores = [storeOn(database.config), storeOn(database.config)];
	const keys = Array.from({ length: 200 }, (_, n) => `k${n}`);
	await workers(2, async (worker) => {
		const order = worker === 0 ? keys : keys.toReversed();
		for (let round = 0; round < 15; round++) {
			await Promise.all([
				stores[worker].appData.set(order.map((key) => ({ key, value: [worker, round] }))),
				stores[worker].appData.delete(order[round]),
				stores[worker].kv.increment(`sum:${round % 3}`),
			]);
		}
	});
	expect(await stores[0].kv.getMany(["sum:0", "sum:1", "sum:2"])).toEqual([10, 10, 10]);
});

test("a get that is issued when another store's write has resolved sees it", async () => {
	const database = await temporaryDatabase();
	const [writer, reader] = [storeOn(database.config), storeOn(withFields(database.config, {}))];
	for (let n = 0; n < 50; n++) {
		await writer.appData.set({ key: "a", value: n });
		expect(await reader.appData.get("a")).toBe(n);
	}
});
