// A process under load, or a worker thread of it, until it is killed: `node load.mjs <filename> <client>...`.
// The clients are main and peer (the store), worker (the store in a worker thread), library and other (the
// sqlite3 package). "go" and "stop" on the standard input begin and end their runs.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { LibraryClient, StoreClient } from "./clients.mjs";
import { reportReady, reportStopped } from "./reports.mjs";

/** A client in a worker thread. */
class WorkerClient {
	constructor(filename) {
		this.worker = new Worker(fileURLToPath(import.meta.url), { workerData: { filename } });
		this.loaded = new Promise((resolve) => this.worker.once("message", resolve));
	}

	run() {
		this.worker.postMessage("go");
		return new Promise((resolve) => this.worker.once("message", resolve));
	}

	stop() {
		this.worker.postMessage("stop");
	}
}

function clientNamed(name, filename) {
	if (name === "worker") return new WorkerClient(filename);
	if (name === "main" || name === "peer") return new StoreClient(name, filename);
	return new LibraryClient(name, filename, createRequire(import.meta.url)("sqlite3"));
}

async function runProcess([filename, ...names]) {
	const clients = names.map((name) => clientNamed(name, filename));
	await Promise.all(clients.map((client) => client.loaded));
	reportReady();
	for await (const command of createInterface({ input: process.stdin })) {
		if (command === "go") Promise.all(clients.map((client) => client.run())).then(reportStopped);
		else for (const client of clients) client.stop();
	}
}

function runWorker({ filename }) {
	const client = new StoreClient("worker", filename);
	parentPort.on("message", (command) => {
		if (command === "go") client.run().then(() => parentPort.postMessage("stopped"));
		else client.stop();
	});
	parentPort.postMessage("loaded");
}

if (isMainThread) await runProcess(process.argv.slice(2));
else runWorker(workerData);
