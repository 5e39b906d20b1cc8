// A process or a worker thread with clients. It is told the file and its clients when it starts, and then answers
// `{ zero, until, transfers }` with the history of what they did until then, or until `{ stop }`, and `{ appends }` when it
// has appended so often. Without a file, its store is the one that the environment configures.

import { createRequire } from "node:module";
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { openDataStore } from "rootcellar";
import { appendInOrder, nowSince, recordLibrary, recordStore, recordTransfers } from "./recorder.mjs";

const { filename, client, flows, withLibrary } = isMainThread ? JSON.parse(process.argv[2]) : workerData;
const store = openDataStore(filename === undefined ? {} : { filename, backup: false });
await store.appData.get("any");
const database = withLibrary ? openLibrary() : undefined;
let isStopped = false;

function openLibrary() {
	const { Database } = createRequire(import.meta.url)("sqlite3");
	const opened = new Database(filename);
	opened.configure("busyTimeout", 5_000);
	return opened;
}

async function answer({ zero, until, transfers, appends, stop }) {
	if (stop) {
		isStopped = true;
		return undefined;
	}
	if (appends) {
		await appendInOrder(store.appData, client, appends);
		return "done";
	}
	isStopped = false;
	const begin = BigInt(zero);
	const options = { flows, zero: begin, isOver: () => isStopped || nowSince(begin) >= until };
	const histories = await Promise.all([
		(transfers ? recordTransfers : recordStore)(store, { ...options, client }),
		...(database ? [recordLibrary(database, { ...options, client: `${client}-library` })] : []),
	]);
	return histories.flat();
}

function listen(emitter, send) {
	emitter.on("message", async (message) => {
		const answered = await answer(message);
		if (answered !== undefined) send(answered);
	});
	send("ready");
}

if (isMainThread) {
	process.on("disconnect", () => process.exit());
	listen(process, (message) => process.send(message));
} else {
	listen(parentPort, (message) => parentPort.postMessage(message));
}
