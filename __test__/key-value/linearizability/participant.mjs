// A process or a worker thread with clients. It is told the file and its clients when it starts, and then answers
// `{ zero, until }` with the history of what they did, `{ appends }` when it has appended so often.

import { createRequire } from "node:module";
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { openDataStore } from "rootcellar";
import { appendInOrder, recordLibrary, recordStore } from "./recorder.mjs";

const { filename, client, flows, withLibrary } = isMainThread ? JSON.parse(process.argv[2]) : workerData;
const store = openDataStore({ filename, backup: false });
await store.appData.get("any");
const database = withLibrary ? openLibrary() : undefined;

function openLibrary() {
	const { Database } = createRequire(import.meta.url)("sqlite3");
	const opened = new Database(filename);
	opened.configure("busyTimeout", 5_000);
	return opened;
}

async function answer({ zero, until, appends }) {
	if (appends) {
		await appendInOrder(store.appData, client, appends);
		return "done";
	}
	const options = { flows, zero: BigInt(zero), until };
	const histories = await Promise.all([
		recordStore(store, { ...options, client }),
		...(database ? [recordLibrary(database, { ...options, client: `${client}-library` })] : []),
	]);
	return histories.flat();
}

if (isMainThread) {
	process.on("message", async (message) => process.send(await answer(message)));
	process.on("disconnect", () => process.exit());
	process.send("ready");
} else {
	parentPort.on("message", async (message) => parentPort.postMessage(await answer(message)));
	parentPort.postMessage("ready");
}
