// Watches under a storm of writes by several processes and libraries: whatever is left out, what was told last is what there is.

import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { openDataStore } from "rootcellar";
import { expect, test } from "vitest";
import { startForked } from "../../helpers/forked.mjs";
import { expectSound } from "../../helpers/raw.mjs";
import { rounds } from "../../helpers/rounds.mjs";
import { temporaryFile } from "../../helpers/store.mjs";
import { until } from "../../helpers/time.mjs";

const program = fileURLToPath(new URL("./writer.mjs", import.meta.url));
const WRITERS = ["rootcellar", "sdk", "better-sqlite3", "rootcellar"];

/** Writes of each writer in a storm, of which every tenth is a long one. */
const COUNT = 20;
const LONG_COUNT = 100;

/** A process that writes when it is told to. */
async function startWriter(library, filename, name) {
	const { message, send } = startForked(program, [library, filename, name]);
	const says = async (text) => expect(await message()).toBe(text);
	await says("ready");
	return (order) => {
		const done = says("done");
		send(order);
		return done;
	};
}

/** Follows a watch: what it has told, as a store would have it. */
function follow(store, options, slowly) {
	const model = new Map();
	const problems = [];
	const highest = new Map();
	const watch = store.kv.watch(options);
	const load = async () => {
		const keys = await store.appData.select("%");
		const isWatched = (key) => options.keys?.includes(key) ?? key.startsWith(options.prefix);
		for (const { key, value } of keys) if (isWatched(key)) model.set(key, JSON.stringify(value));
	};
	const take = async (change) => {
		if (change.resync) {
			model.clear();
			await load();
		} else if (change.deleted) {
			if (!model.delete(change.key)) problems.push(`${change.key} was deleted twice`);
		} else {
			const text = JSON.stringify(change.value);
			if (model.get(change.key) === text) problems.push(`${change.key} was told twice`);
			model.set(change.key, text);
			if (!change.key.startsWith("shared")) {
				if (change.value.n < (highest.get(change.key) ?? 0)) problems.push(`${change.key} went backwards`);
				highest.set(change.key, change.value.n);
			}
		}
	};
	const run = async () => {
		for await (const changes of watch) {
			for (const change of changes) await take(change);
			if (slowly) await sleep(50);
		}
	};
	return { model, problems, done: run() };
}

async function storm(filename, writers, seed, count) {
	const store = openDataStore({ filename, backup: false });
	const reader = openDataStore({ filename, readOnly: true });
	// Remove the keys of the storm before.
	await store.appData.deleteLike("%");
	await store.appData.set({ key: "other", value: 0 });
	const prefixes = ["", "shared:", "a:", "b:", "c:", "own:"];
	const keys = ["shared:1", "shared:2", "b:3", "b:last", "missing"];
	const watches = [
		...prefixes.map((prefix) => [store, { prefix }]),
		[store, { keys }],
		[reader, { prefix: "" }],
		[reader, { keys }],
	].map(([from, options], index) => ({ from, options, ...follow(from, options, index % 3 === 2) }));
	// The watches begin in the order of operations: from here on all is told.
	await Promise.all([store.appData.get("x"), reader.appData.select("other")]);
	// "other" was there before.
	for (const { model, options } of watches) if (options.prefix === "") model.set("other", "0");

	const written = Promise.all(writers.map((write, index) => write({ count, seed: seed * 10 + index })));
	for (let n = 1; n <= count; n++) {
		await store.appData.set([
			{ key: `own:${n % 20}`, value: { n } },
			{ key: "shared:1", value: { n } },
		]);
		if (n % 10 === 0) await store.appData.deleteLike("own:1%");
		await sleep(n % 4);
	}
	await written;

	for (const { from, model, options, problems } of watches) {
		const state = async () => {
			const entries = await from.appData.select("%");
			const isWatched = ({ key }) => options.keys?.includes(key) ?? key.startsWith(options.prefix);
			return new Map(entries.filter(isWatched).map(({ key, value }) => [key, JSON.stringify(value)]));
		};
		const isSame = (one, other) =>
			one.size === other.size && [...one].every(([key, value]) => other.get(key) === value);
		await until(async () => isSame(await state(), model), `the watch of ${JSON.stringify(options)}, seed ${seed}`);
		expect(problems, `seed ${seed}`).toEqual([]);
	}
	await Promise.all([store.close(), reader.close()]);
	await Promise.all(watches.map(({ done }) => done));
}

const SEED = Number(process.env.ROOTCELLAR_TEST_SEED ?? Date.now() % 1_000_000);
const STORMS = rounds({ few: 5, many: 100, long: 1_000 });

test("storms of writes by several processes and libraries end with what there is", async () => {
	const filename = temporaryFile();
	// The file is one that this package has made.
	const first = openDataStore({ filename, backup: false });
	await first.appData.get("x");
	await first.close();
	const writers = await Promise.all(WRITERS.map((library, index) => startWriter(library, filename, "abcd"[index])));
	console.log(`${STORMS} storms from seed ${SEED}`);
	for (let number = 0; number < STORMS; number++) {
		await storm(filename, writers, SEED + number, number % 10 === 9 ? LONG_COUNT : COUNT);
	}
	await expectSound(filename);
}, 600_000);
