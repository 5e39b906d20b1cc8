// Two stores on one file in this environment, and worker threads that read and write it and end at any moment, while this
// thread reads: `node together.mjs <file> <workers>`. Prints as JSON how many reads there were, and which were wrong.

import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { openDataStore } from "rootcellar";

if (isMainThread) await main();
else await serve();

/** Counts up a key until it is ended, and tells of each number that is on disk. */
async function serve() {
	const { filename, key, told } = workerData;
	const stores = [openDataStore({ filename, backup: false }), openDataStore({ filename, backup: false })];
	const numbers = new Int32Array(told);
	for (let number = 1; ; number++) {
		await stores[number % 2].appData.set({ key, value: number });
		Atomics.store(numbers, 0, number);
		if ((await stores[0].appData.get(key)) !== number || (await stores[1].appData.get(key)) !== number) {
			throw new Error(`a worker read ${key} wrongly`);
		}
		if (number === workerData.until) parentPort.close();
		if (number === workerData.until) return;
	}
}

async function main() {
	const [filename, workers] = process.argv.slice(2);
	let stores = [openDataStore({ filename, backup: false }), openDataStore({ filename, backup: false })];
	const wrong = [];
	let reads = 0;
	for (let round = 0; round < Number(workers); round++) {
		const key = `w${round}`;
		const told = new SharedArrayBuffer(4);
		const numbers = new Int32Array(told);
		const until = round % 3 === 0 ? 20 : 0;
		const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { filename, key, told, until } });
		let ended = false;
		worker.on("error", (error) => wrong.push(error.message));
		const end = once(worker, "exit").then(() => {
			ended = true;
		});
		let least = 0;
		while (!ended) {
			least = Atomics.load(numbers, 0);
			const found = await Promise.all(stores.map(({ appData }) => appData.get(key)));
			for (const number of found) if ((number ?? 0) < least) wrong.push({ key, number, least });
			reads += 2;
			if (least > 3 && until === 0) worker.terminate();
			// Messages and the end of the worker need the event loop.
			if (reads % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
		}
		await end;
		await stores[0].appData.set({ key, value: 0 });
		if ((await stores[1].appData.get(key)) !== 0) wrong.push({ key, is: "not what the other store wrote" });
		if (round % 4 === 3) {
			await stores[0].close();
			if ((await stores[1].appData.get(key)) !== 0) wrong.push({ key, is: "gone with the other store" });
			stores = [stores[1], openDataStore({ filename, backup: false })];
			globalThis.gc?.();
		}
	}
	await Promise.all(stores.map((store) => store.close()));
	console.log(JSON.stringify({ reads, wrong }));
}
