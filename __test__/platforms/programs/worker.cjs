"use strict";

const { workerData } = require("node:worker_threads");
const { openDataStore } = require(workerData.packageFolder);

async function main() {
	const store = openDataStore({ filename: workerData.filename });
	for (let n = 0; n < workerData.rounds; n++) await store.appData.update("n", (count) => count + 1, 0);
	await store.close();
}

void main();
