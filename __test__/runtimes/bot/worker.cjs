// A worker thread that writes without pause and tells of each key that is on disk.
"use strict";

const { parentPort, workerData } = require("node:worker_threads");
const { openDataStore } = require("rootcellar");

const { appData } = openDataStore({ filename: workerData.filename, backup: false });

async function lane(n) {
	for (let i = 0; ; i++) {
		const key = `${workerData.prefix}:${n}:${i}`;
		await appData.set({ key, value: i });
		parentPort.postMessage(key);
		await appData.get(key);
	}
}

for (let n = 0; n < 4; n++) lane(n);
