// Worker threads at work when the main thread ends the process: `node exit.mjs <file> <run> <delay in ms>`.
// Prints each key as soon as, and only when, its write has resolved; the main thread's own are written at the end.

import { once } from "node:events";
import { writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { openDataStore } from "rootcellar";

const WORKERS = 3;
const LAST_WRITES = 100;
const EXIT_CODE = 7;

const [filename, run, delayMs] = process.argv.slice(2);
const { appData } = openDataStore({ filename, backup: false });

async function lane(name) {
	for (let i = 0; ; i++) {
		const key = `${name}:${i}`;
		await appData.set({ key, value: key });
		writeSync(1, `${key}\n`);
		if (i === 0) parentPort?.postMessage("at work");
		await appData.update("counter", (count) => count + 1, 0);
	}
}

if (isMainThread) {
	const workers = Array.from(
		{ length: WORKERS },
		(_, n) => new Worker(fileURLToPath(import.meta.url), { argv: process.argv.slice(2), workerData: n }),
	);
	for (let n = 0; n < 3; n++) lane(`run${run}:main:${n}`);
	// Mostly when all are at work, and sometimes at any moment, also before they have loaded anything.
	if (Number(run) % 4 > 0) await Promise.all(workers.map((worker) => once(worker, "message")));
	await sleep(Number(delayMs));
	for (let i = 0; i < LAST_WRITES; i++) appData.set({ key: `run${run}:last:${i}`, value: i });
	process.exit(EXIT_CODE);
} else {
	for (let n = 0; n < 3; n++) lane(`run${run}:worker${workerData}:${n}`);
}
