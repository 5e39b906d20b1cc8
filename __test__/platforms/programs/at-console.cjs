"use strict";

// A bot that backs nothing up by itself, with a write that only a last backup can bring to safety:
// `at-console.cjs <package> <file> <way>`.

const { renameSync, writeFileSync } = require("node:fs");
const { Worker, isMainThread, workerData } = require("node:worker_threads");

const [packageFolder, filename, way] = isMainThread ? process.argv.slice(2) : workerData;
const { openDataStore } = require(packageFolder);

const SIGNALS = ["SIGINT", "SIGBREAK", "SIGHUP"];

const stay = () => setInterval(() => {}, 1_000);

/** Listens as bots do: with something left to write. */
function listen(store) {
	for (const signal of SIGNALS) {
		process.on(signal, async () => {
			await store.appData.set({ key: "late", value: signal });
			process.exit(5);
		});
	}
}

/** Runs the rest in a worker, so that the main thread has not even loaded the package's addon. */
function inWorker(rest, ready) {
	const worker = new Worker(__filename, { workerData: [packageFolder, filename, rest] });
	worker.on("message", () => {
		ready?.(worker);
		console.log("ready");
	});
}

const WAYS = {
	stay,
	/** JavaScript never comes to an end. */
	busy() {
		for (;;);
	},
	/** A transaction and a cursor are open. */
	async amid(store) {
		await store.sqlite.exec("CREATE TABLE t (a); INSERT INTO t VALUES (1), (2)");
		await store.sqlite.iterate("SELECT * FROM t").next();
		await new Promise((begun) => {
			void store.sqlite.transaction(async (tx) => {
				await tx.run("INSERT INTO t VALUES (3)");
				begun();
				await new Promise(() => {});
			});
		});
		stay();
	},
	listening: (store) => {
		listen(store);
		stay();
	},
	/** Its only listeners are gone. */
	async unlistening(store) {
		listen(store);
		for (const signal of SIGNALS) process.removeAllListeners(signal);
		stay();
	},
	async closed(store) {
		await store.close();
		stay();
	},
	/** The destination takes nothing, and there is much time to try. */
	cut() {
		renameSync(`${filename}.backup`, `${filename}.away`);
		writeFileSync(`${filename}.backup`, "");
		stay();
	},
	worker: () => inWorker("stay"),
	workerListening() {
		inWorker("stay", (worker) => {
			for (const signal of SIGNALS) {
				process.on(signal, () => {
					worker.on("message", () => process.exit(5));
					worker.postMessage(signal);
				});
			}
		});
	},
};

async function main() {
	if (way.startsWith("worker")) return WAYS[way]();
	const store = openDataStore({ filename, backup: { quiet: true, intervalMs: 100_000, shutdownTimeoutMs: 60_000 } });
	await store.appData.set({ key: "k", value: 1 });
	await store.backups.create();
	await store.appData.set({ key: "k", value: 2 });
	if (isMainThread) {
		// Printed in the end, but for JavaScript that never comes to one.
		if (way === "busy") console.log("ready");
		await WAYS[way](store);
		console.log("ready");
		return;
	}
	const { parentPort } = require("node:worker_threads");
	parentPort.on("message", async (signal) => {
		await store.appData.set({ key: "late", value: signal });
		await store.close();
		parentPort.postMessage("closed");
	});
	parentPort.postMessage("ready");
}

void main();
