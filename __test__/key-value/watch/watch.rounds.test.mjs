// Watches under a storm of writes by several processes and libraries: whatever is left out, what was told last is what there is.

import { fork } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { openDataStore } from "rootcellar";
import { expect, onTestFinished, test } from "vitest";
import { expectSound } from "../../helpers/raw.mjs";
import { rounds } from "../../helpers/rounds.mjs";
import { temporaryFile } from "../../helpers/store.mjs";
import { until } from "../../helpers/time.mjs";

const program = fileURLToPath(new URL("./writer.mjs", import.meta.url));
const WRITERS = ["rootcellar", "sdk", "better-sqlite3", "rootcellar"];
const COUNT = 150;

function startWriter(library, filename, name, seed) {
	const args = [library, filename, name, String(COUNT), String(seed)];
	const child = fork(program, args, { stdio: ["pipe", "pipe", "pipe", "ipc"] });
	onTestFinished(() => child.kill("SIGKILL"));
	let [printed, errors] = ["", ""];
	child.stdout.on("data", (chunk) => (printed += chunk));
	child.stderr.on("data", (chunk) => (errors += chunk));
	const ended = new Promise((resolve) => child.once("close", (code) => resolve({ code, errors: errors.slice(-500) })));
	return {
		ready: until(() => printed.includes("ready") || child.exitCode !== null, "a writer"),
		begin: () => child.stdin.write("\n"),
		ended,
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

async function storm(seed) {
	const filename = temporaryFile();
	const store = openDataStore({ filename, backup: false });
	const reader = openDataStore({ filename, readOnly: true });
	onTestFinished(() => Promise.all([store.close(), reader.close()]));
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

	const writers = WRITERS.map((library, index) => startWriter(library, filename, "abcd"[index], seed * 10 + index));
	await Promise.all(writers.map(({ ready }) => ready));
	for (const { begin } of writers) begin();
	for (let n = 1; n <= COUNT; n++) {
		await store.appData.set([
			{ key: `own:${n % 20}`, value: { n } },
			{ key: "shared:1", value: { n } },
		]);
		if (n % 10 === 0) await store.appData.deleteLike("own:1%");
		await sleep(n % 4);
	}
	for (const { ended } of writers) expect(await ended).toEqual({ code: 0, errors: "" });

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
	await expectSound(filename);
}

const SEED = Number(process.env.ROOTCELLAR_TEST_SEED ?? Date.now() % 1_000_000);

const numbers = Array.from({ length: rounds({ few: 2, many: 25, long: 100 }) }, (_, index) => index + 1);

test.each(numbers)(
	"a storm of writes by several processes and libraries ends with what there is (%i)",
	async (number) => {
		console.log(`storm, seed ${SEED + number}`);
		await storm(SEED + number);
	},
);
