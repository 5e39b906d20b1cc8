// Deletes, while another process has changed and made keys that are not committed yet.

import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { temporaryDatabase } from "../../helpers/postgres.mjs";
import { until } from "../../helpers/time.mjs";
import { COMMITS, storeOn, withFields } from "../store.mjs";

const DELETES = {
	"deleteLike by its pattern": ({ appData }) => appData.deleteLike("k:%"),
	"deleteRange by its prefix": ({ kv }) => kv.deleteRange({ prefix: "k:" }),
	"a set and a delete that are issued together": async ({ appData }) => {
		await Promise.all([appData.set({ key: "k:old", value: "set" }), appData.delete("k:new")]);
		await appData.delete("k:old");
	},
	"two deletes that are issued together": ({ appData }) =>
		Promise.all([appData.delete("k:old"), appData.delete("k:new")]),
};

/** Another process changes a key and makes one, in a transaction; meanwhile `remove` waits for it. */
async function removeMeanwhile(remove) {
	const database = await temporaryDatabase();
	const { appData, transaction } = storeOn(withFields(database.config, {}));
	const other = storeOn(database.config);
	await appData.set({ key: "k:old", value: 0 });
	await other.appData.set({ key: "other", value: 0 });
	const isWaiting = async () => {
		const found = await database.query(
			"SELECT FROM pg_stat_activity WHERE datname = $1 AND wait_event_type = 'Lock' AND application_name = 'rootcellar'",
			[database.name],
		);
		return found.length > 0;
	};
	let removed;
	await transaction(async (tx) => {
		await tx.appData.set({ key: "k:old", value: 1 });
		removed = remove(other);
		await until(isWaiting, "the delete to wait");
		await tx.appData.set({ key: "k:new", value: 1 });
	});
	await removed;
	return { appData, database };
}

test.each(Object.entries(DELETES))(
	"%s leaves nothing that was made together with what it removes",
	async (_, remove) => {
		const { appData, database } = await removeMeanwhile(remove);
		expect(await appData.select("k:%")).toEqual([]);
		expect(await database.query("SELECT FROM __rootapp_kv WHERE key LIKE 'k:%'")).toEqual([]);
	},
);

test("a pattern's deletion lets others write while it waits for a long transaction, and comes after it", async () => {
	const database = await temporaryDatabase();
	const { appData, transaction } = storeOn(withFields(database.config, {}));
	const [remover, writer] = [storeOn(withFields(database.config, {})), storeOn(database.config)];
	for (const store of [remover, writer]) await store.appData.set({ key: "k:old", value: 0 });
	let removed;
	await transaction(async (tx) => {
		await tx.appData.set({ key: "k:old", value: 1 });
		await tx.appData.set({ key: "k:long", value: 1 });
		removed = remover.appData.deleteLike("k:%");
		for (let n = 0; n < 3; n++) {
			await sleep(300);
			await writer.appData.set({ key: `k:${n}`, value: n });
		}
	});
	await removed;
	expect(await appData.select("k:%")).toEqual([]);
});

test.each([
	["deleteLike", ({ appData }) => appData.deleteLike("k:%")],
	["deleteRange", ({ kv }) => kv.deleteRange({ prefix: "k:" })],
])(
	"%s waits neither for a transaction that has changed other keys, nor for a write that waits for that",
	async (_, remove) => {
		const { config } = await temporaryDatabase();
		const { appData, transaction } = storeOn(withFields(config, {}));
		const [remover, writer] = [storeOn(withFields(config, { timeoutMs: 10_000 })), storeOn(withFields(config, {}))];
		await remover.appData.set(["k:old", "other"].map((key) => ({ key, value: 0 })));
		await writer.appData.set({ key: "k:older", value: 0 });
		let written;
		await transaction(async (tx) => {
			await tx.appData.set({ key: "other", value: 1 });
			await tx.appData.set({ key: "k:long", value: 1 });
			written = writer.appData.set({ key: "other", value: 2 });
			await sleep(300);
			await remove(remover);
			expect(await remover.appData.select("k:%")).toEqual([]);
		});
		await written;
		expect(await appData.get("other")).toBe(2);
		expect(await appData.get("k:long")).toBe(1);
	},
);

test("a deletion by a pattern comes after those that are about to commit", async () => {
	const database = await temporaryDatabase();
	const { appData } = storeOn(database.config);
	await appData.set({ key: "k:old", value: 0 });
	const writer = await database.server.connect(database.name);
	try {
		// As any write ends before it commits.
		await writer.query("BEGIN; INSERT INTO __rootapp_kv (key, value) VALUES ('k:new', '1')");
		await writer.query(`SELECT pg_advisory_xact_lock_shared(${COMMITS})`);
		const removed = appData.deleteLike("k:%");
		await sleep(500);
		await writer.query("COMMIT");
		await removed;
	} finally {
		await writer.end();
	}
	expect(await appData.select("%")).toEqual([]);
});

test("a transaction that comes to need another of the keys that a deletion waits for goes on, and the deletion behind it", async () => {
	const database = await temporaryDatabase();
	const { transaction, appData } = storeOn(withFields(database.config, {}));
	const remover = storeOn(database.config);
	await remover.appData.set(Array.from({ length: 5 }, (_, n) => ({ key: `k:${n}`, value: n })));
	let removed;
	await transaction(async (tx) => {
		await tx.appData.set({ key: "k:4", value: "changed" });
		removed = remover.appData.deleteLike("k:%");
		// Longer than the time after which the server looks for deadlocks.
		await sleep(1_500);
		expect(await tx.appData.get("k:2")).toBe(2);
		await sleep(1_500);
		await tx.appData.set({ key: "k:0", value: "changed" });
	});
	await removed;
	expect(await appData.select("k:%")).toEqual([]);
});

test("a deletion by a pattern ends while others make and change such keys without a pause", async () => {
	const database = await temporaryDatabase();
	const [remover, ...writers] = Array.from({ length: 3 }, () => storeOn(database.config));
	await remover.appData.set(Array.from({ length: 20_000 }, (_, n) => ({ key: `k:${n}`, value: n })));
	let isOver = false;
	const writing = writers.map(async ({ kv }, writer) => {
		for (let n = 0; !isOver; n++) for (let turn = 0; turn < 3; turn++) await kv.increment(`k:new ${writer} ${n}`);
	});
	for (let turn = 0; turn < 3; turn++) await remover.appData.deleteLike("k:%");
	isOver = true;
	await Promise.all(writing);
	expect(await remover.appData.get("k:7")).toBeUndefined();
});

test("a key that is set and deleted in one batch, in whatever way, can be set in it again, whether it was there or not", async () => {
	const { config } = await temporaryDatabase();
	const { appData, kv } = storeOn(config);
	const deletes = [
		(key) => appData.delete(key),
		(key) => kv.getAndDelete(key),
		(key) => kv.updateMany([key], () => ({ [key]: undefined })),
	];
	for (const [index, remove] of deletes.entries()) {
		for (const before of [undefined, 0]) {
			const key = `${index}:${before}`;
			if (before !== undefined) await appData.set({ key, value: before });
			await Promise.all([appData.set({ key, value: 1 }), remove(key), appData.set({ key, value: 2 })]);
			expect(await appData.get(key)).toBe(2);
			await Promise.all([appData.set({ key, value: 3 }), remove(key)]);
			expect(await kv.has(key)).toBe(false);
		}
	}
});
