import { expect, test } from "vitest";
import { runModuleForJson } from "../../helpers/child.mjs";
import { startPostgres, temporaryDatabase } from "../../helpers/postgres.mjs";
import { until } from "../../helpers/time.mjs";
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

/** What each of several processes does to the same few keys: always several at once, in an order of its own. */
const CROSSING = `
	const [rounds, seed] = process.argv.slice(1).map(Number);
	const { appData, kv } = dataStore;
	const keys = ["a", "b", "c", "d", "e", "f"];
	let state = seed;
	const random = (below) => (state = (state * 48271) % 2147483647) % below;
	const changes = [
		(key) => appData.set({ key, value: 1 }),
		(key) => appData.set([{ key, value: 1 }, { key: keys[random(6)], value: 2 }]),
		(key) => kv.increment(key),
		(key) => appData.update(key, (value) => value + 1, 0),
		(key) => kv.updateMany([key, keys[random(6)]], () => ({ [key]: 3 })),
		(key) => kv.setIfAbsent({ key, value: 4 }),
		(key) => kv.getAndDelete(key),
		(key) => appData.delete(key),
	];
	for (let round = 0; round < rounds; round++) {
		await Promise.all(Array.from({ length: 4 }, () => changes[random(changes.length)](keys[random(6)])));
		if (round % 20 === 0) await appData.deleteLike("_");
	}
	console.log(rounds);
`;

/** Two clients wait for each other, until the server ends one. */
async function deadlock({ server, name }) {
	const clients = await Promise.all([server.connect(name), server.connect(name)]);
	const lock = (client, id) => client.query("SELECT pg_advisory_xact_lock($1)", [id]);
	await Promise.all(clients.map((client) => client.query("BEGIN")));
	await Promise.all(clients.map(lock));
	const ends = await Promise.allSettled(clients.map((client, id) => lock(client, 1 - id)));
	await Promise.all(clients.map((client) => client.end()));
	return ends;
}

test("two processes that change the same keys in crossing orders never wait for each other in a circle", async () => {
	const database = await temporaryDatabase();
	const { server, name, config } = database;
	// Where they do, it costs the test no second each time.
	await server.query(`ALTER DATABASE "${name}" SET deadlock_timeout = '20ms'`);
	const deadlocks = async () => {
		const [{ n }] = await server.query("SELECT deadlocks::int AS n FROM pg_stat_database WHERE datname = $1", [name]);
		return n;
	};
	const ends = await deadlock(database);
	expect(ends.filter(({ status }) => status === "rejected")).toHaveLength(1);
	await until(async () => (await deadlocks()) === 1, "the deadlock to be counted");
	const env = { DATABASE_CONFIG: config };
	await Promise.all([1, 2].map((seed) => runModuleForJson(CROSSING, { args: ["150", String(seed)], env })));
	const connected = "SELECT FROM pg_stat_activity WHERE datname = $1";
	await until(async () => (await server.query(connected, [name])).length === 0, "the processes to be gone");
	expect(await deadlocks()).toBe(1);
	expect(server.log.match(/deadlock detected/g)).toHaveLength(1);
});

test("gets of one turn are of one moment, also those of several communities", async () => {
	const { config } = await temporaryDatabase();
	const [store, other] = [storeOn(config), storeOn(config)];
	const communities = [undefined, "a", "b", "c"];
	const setAll = async (value) => {
		const entries = communities.map((communityId) => ({ key: "k", value, communityId }));
		await other.transaction((tx) => tx.appData.set(entries));
	};
	await setAll(0);
	let isDone = false;
	const writing = (async () => {
		for (let n = 1; n <= 60; n++) await setAll(n);
		isDone = true;
	})();
	let last = 0;
	while (!isDone) {
		const addresses = [...communities, ...communities.toReversed()];
		const found = await Promise.all(addresses.map((community) => store.appData.get("k", community)));
		expect(new Set(found).size, String(found)).toBe(1);
		expect(found[0]).toBeGreaterThanOrEqual(last);
		last = found[0];
	}
	await writing;
});

test("a get that is issued when another store's write has resolved sees it", async () => {
	const database = await temporaryDatabase();
	const [writer, reader] = [storeOn(database.config), storeOn(withFields(database.config, {}))];
	for (let n = 0; n < 50; n++) {
		await writer.appData.set({ key: "a", value: n });
		expect(await reader.appData.get("a")).toBe(n);
	}
});

/** Writes of the key `n`, by the names of their methods. */
const WRITES = {
	set: ({ appData }) => appData.set({ key: "n", value: "mine" }),
	"set of an array": ({ appData }) => appData.set(["m", "n"].map((key) => ({ key, value: "mine" }))),
	update: ({ appData }) => appData.update("n", () => "mine"),
	delete: ({ appData }) => appData.delete("n"),
	setIfAbsent: ({ kv }) => kv.setIfAbsent({ key: "n", value: "mine" }),
};

test.each(Object.keys(WRITES))(
	"a %s whose key a transaction keeps locked for too long says so, changes nothing, and holds up nothing behind it",
	async (name) => {
		const database = await temporaryDatabase();
		const holder = storeOn(database.config);
		const store = storeOn(withFields(database.config, { timeoutMs: 5_000 }));
		await holder.appData.set({ key: "n", value: "theirs" });
		await store.appData.set({ key: "other", value: 1 });
		await holder.transaction(async (tx) => {
			await tx.appData.set({ key: "n", value: "still theirs" });
			const [locked, behind] = await Promise.allSettled([WRITES[name](store), store.kv.increment("other")]);
			expect(locked.reason).toMatchObject({ code: "ERR_POSTGRES", sqlState: "55P03" });
			expect(locked.reason.message).toContain("nothing was changed");
			expect(behind.reason ?? locked.reason).toMatchObject({ sqlState: "55P03" });
			expect(await store.kv.increment("other")).toBe(behind.reason ? 2 : 3);
		});
		expect(await store.kv.getMany(["m", "n"])).toEqual([undefined, "still theirs"]);
		await WRITES[name](store);
	},
);
