// Rounds of worker threads that end at any moment: `node storm.mjs <file> <rounds>`. Prints as JSON what was seen.

import { once } from "node:events";
import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { openDataStore } from "rootcellar";

const [filename, rounds] = process.argv.slice(2);

const WORKERS = 3;
const LANES = 4;
const DELAY_MS_MAX = 80;
const ENDINGS = ["terminate", "terminate", "terminate", "exit", "exit in the same tick", "throw", "close", "stop"];
/** Workers that run out of memory take long to do so. */
const OUT_OF_MEMORY_EVERY = 6;

const counts = { workers: 0, endings: {}, keys: 0, increments: 0, mainSets: 0 };
const problems = [];

const left = [];

/** Each of them in turn, in a random order. */
function nextEnding() {
	if (left.length === 0) left.push(...ENDINGS);
	return left.splice(Math.floor(Math.random() * left.length), 1)[0];
}

/** Runs a worker to its end, and collects what it said was on disk. */
async function runWorker(prefix, ending, acknowledged) {
	const afterMs = Math.random() * DELAY_MS_MAX;
	const worker = new Worker(new URL("./worker.mjs", import.meta.url), {
		workerData: { filename, prefix, lanes: LANES, ending, afterMs },
		resourceLimits: ending === "memory" ? { maxOldGenerationSizeMb: 24 } : {},
	});
	worker.on("message", ({ key, increments = 0 }) => {
		if (key) acknowledged.keys.push(key);
		acknowledged.increments += increments;
	});
	const ended = new Promise((resolve) => worker.once("exit", resolve));
	worker.on("error", (error) => {
		const expected = { throw: "the bot's own", memory: /memory/ }[ending];
		if (!expected || !new RegExp(expected).test(error.message)) problems.push(`${ending}: ${error.message}`);
	});
	if (ending === "terminate") {
		// Mostly at work, but also before it has loaded or opened anything.
		if (Math.random() < 0.7) await Promise.race([once(worker, "message"), ended]);
		await sleep(afterMs);
		await worker.terminate();
	}
	await ended;
	counts.workers++;
	counts.endings[ending] = (counts.endings[ending] ?? 0) + 1;
}

/** Keeps the main thread busy on the same file until it is stopped. */
function mainLoad(appData, round) {
	let running = true;
	const lanes = Promise.all(
		Array.from({ length: LANES }, async (_, n) => {
			for (let i = 0; running; i++) {
				const key = `main:${n}:${i % 20}`;
				await appData.set({ key, value: `${round}:${i}` });
				counts.mainSets++;
				if ((await appData.get(key)) !== `${round}:${i}`) problems.push(`main read ${key} wrongly`);
			}
		}),
	);
	return () => {
		running = false;
		return lanes;
	};
}

function inUse() {
	const count = (what) => readdirSync(`/proc/self/${what}`).length;
	return process.platform === "linux" ? { threads: count("task"), descriptors: count("fd") } : undefined;
}

let increments = 0;
let before;
for (let round = 0; round < Number(rounds); round++) {
	if (round === Math.min(10, Number(rounds) / 2)) before = inUse();
	const store = openDataStore({ filename, backup: false });
	const mainTakesPart = round % 2 === 0;
	const stop = mainTakesPart ? mainLoad(store.appData, round) : undefined;
	const acknowledged = { keys: [], increments: 0 };
	const endings = Array.from({ length: WORKERS }, nextEnding);
	if (round % OUT_OF_MEMORY_EVERY === OUT_OF_MEMORY_EVERY - 1) endings[0] = "memory";
	await Promise.all(endings.map((ending, n) => runWorker(`w${round}:${n}`, ending, acknowledged)));
	await stop?.();

	const keys = new Set((await store.appData.select("w%")).map(({ key }) => key));
	const missing = acknowledged.keys.filter((key) => !keys.has(key));
	if (missing.length > 0) problems.push(`round ${round} lost ${missing.length} keys`);
	increments += acknowledged.increments;
	const counter = (await store.appData.get("counter")) ?? 0;
	if (counter < increments) problems.push(`round ${round} lost increments: ${counter} of ${increments}`);
	// Writes that were made and not told of count, too.
	increments = counter;
	const halves = [...keys].filter(
		(key) => key.endsWith(":a") !== keys.has(key.replace(/:a$/, ":b")) && key.endsWith(":a"),
	);
	if (halves.length > 0) problems.push(`round ${round} has ${halves.length} arrays by half`);
	counts.keys += acknowledged.keys.length;
	await store.appData.deleteLike("w%");
	await store.close();
}
counts.increments = increments;
await sleep(200);
// Threads tell that they are done, then end.
for (let n = 0; n < 3_000 && before && inUse().threads > before.threads; n++) await sleep(20);
console.log(JSON.stringify({ ...counts, problems, before, after: inUse() }));
