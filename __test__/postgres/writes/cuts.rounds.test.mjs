// Connections that the server ends at random under a mixed load: what every operation says is compared with a model.

import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { temporaryDatabase } from "../../helpers/postgres.mjs";
import { rounds } from "../../helpers/rounds.mjs";
import { expectSoundDatabase } from "../sound.mjs";
import { storeOn, workers } from "../store.mjs";

const ACCOUNTS = ["one", "two", "three"];

const pick = (list) => list[Math.floor(Math.random() * list.length)];

/**
 * Ends connections of stores, some at a time, until it is stopped; resolves with their number. Each time it lets something
 * be done before it goes on, for on a slow machine connecting takes longer than its pauses.
 */
function endConnections({ query }, countDone) {
	let isStopped = false;
	const ended = (async () => {
		let count = 0;
		while (!isStopped) {
			const cut = await query(
				`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE application_name = 'rootcellar' AND datname = current_database() AND random() < 0.5`,
			);
			count += cut.length;
			const done = countDone();
			await sleep(Math.random() * 60);
			for (let turn = 0; turn < 100 && !isStopped && countDone() === done; turn++) await sleep(20);
		}
		return count;
	})();
	return () => {
		isStopped = true;
		return ended;
	};
}

/** One step on keys that no other worker has: it changes the model as the operation is to change the store. */
const OWN = {
	set: async ({ appData }, key, model) => {
		const value = Math.floor(Math.random() * 1_000);
		await appData.set({ key, value });
		model.set(key, value);
	},
	update: async ({ appData }, key, model) => {
		const value = (model.get(key) ?? 0) + 1;
		await appData.update(key, (n) => n + 1, 0);
		model.set(key, value);
	},
	increment: async ({ kv }, key, model) => {
		model.set(key, (model.get(key) ?? 0) + 3);
		expect(await kv.increment(key, 3)).toBe(model.get(key));
	},
	setIfAbsent: async ({ kv }, key, model) => {
		expect(await kv.setIfAbsent({ key, value: 7 })).toBe(!model.has(key));
		if (!model.has(key)) model.set(key, 7);
	},
	getAndDelete: async ({ kv }, key, model) => {
		expect(await kv.getAndDelete(key)).toBe(model.get(key));
		model.delete(key);
	},
	delete: async ({ appData }, key, model) => {
		await appData.delete(key);
		model.delete(key);
	},
	deleteRange: async ({ kv }, key, model) => {
		expect(await kv.deleteRange({ prefix: key })).toBe(model.has(key) ? 1 : 0);
		model.delete(key);
	},
	transaction: async (store, key, model, sums) => {
		const value = (model.get(key) ?? 0) + 5;
		try {
			await store.transaction(async (tx) => {
				expect(await tx.appData.get(key)).toBe(model.get(key));
				await tx.appData.set({ key, value });
				await tx.kv.increment("in transactions");
			});
		} catch (error) {
			// Nothing of it was written, as the next step finds.
			expect(error.code).toBe("ERR_TRANSACTION_LOST");
			sums.lost++;
			return;
		}
		model.set(key, value);
		sums.transactions++;
	},
	get: async ({ appData }, key, model) => expect(await appData.get(key)).toBe(model.get(key)),
	list: async ({ kv }, key, model) => {
		const { entries } = await kv.list({ prefix: key });
		expect(entries).toEqual(model.has(key) ? [{ key, value: model.get(key) }] : []);
	},
};

/** One step on keys that all have; the sums say what they have to be in the end. */
const SHARED = [
	async ({ appData }, sums) => {
		await appData.update("updated", (n) => n + 1, 0);
		sums.updated++;
	},
	async ({ kv }, sums) => {
		await kv.increment("incremented");
		sums.incremented++;
	},
	async ({ kv }) => {
		const [from, to] = [pick(ACCOUNTS), pick(ACCOUNTS)];
		if (from !== to)
			await kv.updateMany([from, to], (held) => ({ [from]: (held[from] ?? 0) - 1, [to]: (held[to] ?? 0) + 1 }));
	},
];

/** Last value of each key that a watch has told, when it has told this one. */
async function follow(watch, last) {
	const told = new Map();
	for await (const changes of watch) {
		for (const { key, deleted, value } of changes) {
			if (deleted) told.delete(key);
			else told.set(key, value);
		}
		if (told.has(last)) return told;
	}
	throw new Error("the watch ended");
}

test("connections that end at random change no result, lose nothing and apply nothing twice", async () => {
	const steps = rounds({ few: 15, many: 150, long: 2_000 });
	const database = await temporaryDatabase();
	const stores = [storeOn(database.config), storeOn(database.config)];
	const [first] = stores;
	await Promise.all(stores.map(({ kv }) => kv.count()));
	const told = follow(first.kv.watch({ prefix: "own:" }), "own:last");
	// If something else fails first, it ends with the store.
	told.catch(() => {});
	let done = 0;
	const stop = endConnections(database, () => done);
	onTestFinished(stop);
	const sums = { updated: 0, incremented: 0, transactions: 0, lost: 0 };
	const models = Array.from({ length: 6 }, () => new Map());
	await workers(models.length, async (worker) => {
		const [store, model] = [stores[worker % 2], models[worker]];
		for (let step = 0; step < steps; step++) {
			await pick(Object.values(OWN))(store, `own:${worker}:${step % 3}`, model, sums);
			await pick(SHARED)(store, sums);
			done++;
		}
	});
	// Several at a time, in the order in which they were called.
	const writes = Array.from({ length: 300 }, (_, n) => first.appData.set({ key: `own:order:${n % 7}`, value: n }));
	await Promise.all(writes);
	expect(await stop()).toBeGreaterThan(0);
	await first.appData.set({ key: "own:last", value: true });

	const held = new Map((await first.appData.select("own:%")).map(({ key, value }) => [key, value]));
	const expected = new Map(models.flatMap((model) => [...model]));
	for (let n = 293; n < 300; n++) expected.set(`own:order:${n % 7}`, n);
	expected.set("own:last", true);
	expect(held).toEqual(expected);
	expect(await told).toEqual(expected);
	const [updated, incremented, transactions = 0, ...accounts] = await first.kv.getMany([
		"updated",
		"incremented",
		"in transactions",
		...ACCOUNTS,
	]);
	expect({ updated: updated ?? 0, incremented: incremented ?? 0, transactions }).toEqual({
		updated: sums.updated,
		incremented: sums.incremented,
		transactions: sums.transactions,
	});
	expect(accounts.reduce((sum, held = 0) => sum + held, 0)).toBe(0);
	const [{ n }] = await database.query("SELECT count(*)::int AS n FROM __rootcellar_writers");
	expect(n).toBe(2);
	const client = await database.server.connect(database.name);
	try {
		await expectSoundDatabase(async (text) => (await client.query(text)).rows);
	} finally {
		await client.end();
	}
});
