// A worker thread that uses a store without pause until it ends, in the way that it was told to.

import { setTimeout as sleep } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { openDataStore } from "rootcellar";

const { filename, prefix, lanes, ending, afterMs } = workerData;
const store = openDataStore({ filename, backup: false });
const { appData } = store;
let running = true;

/** Every operation in turn. Tells of each key and each increment as soon as, and only when, it is on disk. */
async function lane(n) {
	for (let i = 0; running; i++) {
		const key = `${prefix}:${n}:${i}`;
		const pending = [
			appData.set({ key, value: "x".repeat(1 + ((i * 97) % 3_000)) }).then(() => parentPort.postMessage({ key })),
			appData.update("counter", (count) => count + 1, 0).then(() => parentPort.postMessage({ increments: 1 })),
			appData.get(key),
			appData.set([
				{ key: `${key}:a`, value: i },
				{ key: `${key}:b`, value: i },
			]),
		];
		if (i % 7 === 0) pending.push(appData.select(`${prefix}:${n}:%`), appData.deleteLike(`${prefix}:${n}:%:_`));
		await Promise.all(pending);
	}
}

const endings = {
	/** Waits for the main thread to terminate it. */
	terminate: () => new Promise(() => {}),
	exit: () => process.exit(0),
	"exit in the same tick": () => process.exit(0),
	throw: () => {
		setImmediate(() => {
			throw new Error("the bot's own");
		});
	},
	memory: () => {
		const kept = [];
		for (;;) kept.push(new Array(100_000).fill(kept.length));
	},
	close: async () => {
		await store.close();
		running = false;
	},
	stop: () => {
		running = false;
	},
};

for (let n = 0; n < lanes; n++) {
	lane(n).catch((error) => {
		// A lane that goes on while its store is closed.
		if (error.code !== "ERR_STORE_CLOSED") throw error;
	});
}
if (ending !== "exit in the same tick") await sleep(afterMs);
await endings[ending]();
