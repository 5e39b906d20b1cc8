// A file that worker threads have open under names of their own: `node names.mjs <file> <name>...`. Prints as JSON
// how many writer's threads there were at each point, and what every thread saw.

import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { openDataStore } from "rootcellar";
import { threadNames } from "../../helpers/threads.mjs";

const UPDATES = 100;

/** Steps of a thread, each called with its store. */
const steps = {
	set: ({ appData }, name) => appData.set({ key: name, value: name }),
	see: async ({ appData }) => (await appData.select("thread%")).map(({ key }) => key).sort(),
	count: ({ appData }) =>
		Promise.all(Array.from({ length: UPDATES }, () => appData.update("n", (n) => n + 1, 0))).then(() => "counted"),
	get: ({ appData }) => appData.get("n").catch((error) => error.code),
	close: (store) => store.close(),
};

if (isMainThread) await main(process.argv.slice(2));
else serve();

function serve() {
	const store = openDataStore({ filename: workerData.filename, backup: false });
	parentPort.on("message", async (step) => {
		if (step === "end") parentPort.close();
		else parentPort.postMessage(await steps[step](store, workerData.name));
	});
}

async function main([filename, ...names]) {
	const workers = names.map((name, n) => {
		const data = { filename: name, name: `thread${n}` };
		return new Worker(fileURLToPath(import.meta.url), { workerData: data });
	});
	const store = openDataStore({ filename, backup: false });
	const result = { writers: [writers()], counts: [] };

	async function everywhere(step, list = workers) {
		const answers = list.map(async (worker) => {
			worker.postMessage(step);
			return (await once(worker, "message"))[0];
		});
		return [await steps[step](store, "threadmain"), ...(await Promise.all(answers))];
	}

	await everywhere("set");
	result.writers.push(writers());
	result.seen = await everywhere("see");
	await everywhere("count");
	result.counts.push(await store.appData.get("n"));

	// The main thread's store is closed, and the workers go on.
	result.mainCloses = await everywhere("close", []);
	result.afterMainClosed = await everywhere("count", []).catch((error) => error.code);
	result.workersGoOn = await Promise.all(
		workers.map(async (worker) => {
			worker.postMessage("count");
			return (await once(worker, "message"))[0];
		}),
	);
	result.writers.push(writers());

	// Every worker closes its store but one, which is at work meanwhile; then the main thread opens another.
	const [last, ...others] = workers;
	last.postMessage("count");
	const counted = once(last, "message");
	for (const worker of others) {
		worker.postMessage("close");
		await once(worker, "message");
	}
	await counted;
	result.writers.push(writers());
	const again = openDataStore({ filename, backup: false });
	result.counts.push(await again.appData.get("n"));
	last.postMessage("close");
	await once(last, "message");
	result.counts.push(await again.appData.update("n", (n) => n + 1, 0));
	result.writers.push(writers());
	for (const worker of workers) {
		worker.postMessage("get");
		result.closedWorkers = (await once(worker, "message"))[0];
		worker.postMessage("end");
		await once(worker, "exit");
	}
	await again.close();
	// The thread that closes tells of it, then ends.
	for (let n = 0; n < 3_000 && writers() > 0; n++) await sleep(20);
	result.writers.push(writers());
	console.log(JSON.stringify(result));
}

/** Number of writer threads of this process. */
function writers() {
	return threadNames().filter((name) => name === "rootcellar-writer".slice(0, 15)).length;
}
