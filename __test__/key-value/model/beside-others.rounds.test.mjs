// Model: random sequences of all operations against a plain model, while other processes and libraries write.

import fc from "fast-check";
import { expect, test } from "vitest";
import { startModule } from "../../helpers/child.mjs";
import { rounds } from "../../helpers/rounds.mjs";
import { temporaryFile, temporaryStore } from "../../helpers/store.mjs";
import { until } from "../../helpers/time.mjs";
import { expectLikeModel, Model, operation } from "./model.mjs";

/**
 * Programs of other processes, which write keys of the default scope until they are killed. `set` leaves a second row of a key
 * in the SDK.
 */
const OTHERS = {
	rootcellar: `const { appData, kv } = openDataStore({ filename: process.argv[1], backup: false });
		const write = (n) => Promise.all([
			appData.set({ key: "rootcellar:" + (n % 9), value: n }),
			kv.increment("rootcellar:count"),
			kv.updateMany(["rootcellar:1", "rootcellar:2"], ({ "rootcellar:1": one }) => ({ "rootcellar:2": one })),
			kv.deleteRange({ prefix: "rootcellar:3" }),
		]);`,
	sdk: `const { appData } = (await import("@rootsdk/server-bot")).default.rootServer.dataStore;
		const write = (n) => appData.set({ key: "sdk:" + (n % 9), value: n });`,
	"better-sqlite3": `const database = new (await import("better-sqlite3")).default(process.argv[1], { timeout: 10_000 });
		const insert = database.prepare("INSERT INTO __rootapp_kv (key, value) VALUES ('better-sqlite3:' || ?, ?)");
		const remove = database.prepare("DELETE FROM __rootapp_kv WHERE key = 'better-sqlite3:' || ?");
		const write = database.transaction((n) => {
			remove.run(n % 9);
			insert.run(n % 9, String(n));
		}).immediate;`,
};

const GO_ON = `
	for (let n = 0; ; n++) {
		try {
			await write(n);
		} catch (error) {
			if (!/BUSY|locked/.test(error.code + error.message)) throw error;
		}
		await new Promise((resolve) => setTimeout(resolve, n % 4));
	}`;

/** An operation in the communities of a run, and none in the default scope. */
function inCommunities(o, run) {
	const own = (id) => `${id ?? "E"}${run}`;
	const entries = o.entries?.map((entry) => ({ ...entry, communityId: own(entry.communityId) }));
	return entries ? { ...o, entries } : { ...o, community: own(o.community) };
}

test("random operations have the results of a plain model while other processes write, and the SDK", async () => {
	const filename = temporaryFile();
	const watcher = temporaryStore(filename);
	expect(await watcher.kv.count()).toBe(0);
	const DATABASE_CONFIG = JSON.stringify({ databaseType: "sqlite3", sqlite3: { filename } });
	const env = { DATABASE_CONFIG, COMMUNITY_ID: "WiJn1KM1f5eB9A9RzVwVLw", DEV_TOKEN: "none" };
	const others = Object.entries(OTHERS).map(([name, source]) => {
		const child = startModule(source + GO_ON, { args: [filename], env });
		const failure = child.ended.then(({ stderr }) => Promise.reject(new Error(`${name} ended: ${stderr}`)));
		failure.catch(() => {});
		return { name, failure };
	});
	/** Entries of each in the store: they change with every write. */
	const states = async () => {
		const found = others.map(({ name }) => watcher.appData.select(`${name}:%`));
		return (await Promise.all(found)).map((entries) => JSON.stringify(entries));
	};
	const everyOtherWrites = async () => {
		const before = await states();
		const all = until(async () => (await states()).every((state, i) => state !== before[i]), "the others' writes");
		await Promise.race([all, ...others.map(({ failure }) => failure)]);
	};
	await everyOtherWrites();
	const store = temporaryStore(filename);
	let run = 0;
	await fc.assert(
		fc.asyncProperty(
			fc.array(fc.array(operation, { minLength: 1, maxLength: 14 }), { maxLength: 8 }),
			async (groups) => {
				run++;
				const model = new Model();
				for (const group of groups) {
					await expectLikeModel(
						store,
						model,
						group.map((o) => inCommunities(o, run)),
					);
				}
				for (const scope of ["C", "D", "E"]) {
					expect(await store.appData.select("%", scope + run)).toEqual(model.select("%", scope + run));
				}
			},
		),
		{ numRuns: rounds({ few: 5, many: 120, long: 2_000 }) },
	);
	await everyOtherWrites();
}, 300_000);
