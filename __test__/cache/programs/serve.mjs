// A writer of writers.mjs in a process or a worker thread of its own: does what it is told by messages, and answers each.

import { parentPort, workerData } from "node:worker_threads";
import { local } from "../writers.mjs";

const [kind, filename] = workerData ? [workerData.kind, workerData.filename] : process.argv.slice(2);
const answer = (message) => (parentPort ? parentPort.postMessage(message) : process.send(message));
let writer;

async function serve({ method, args }) {
	try {
		writer ??= local[kind](filename);
		await (await writer)[method](...args);
		answer({});
	} catch (error) {
		answer({ error: String(error) });
	}
}

let last = Promise.resolve();
(parentPort ?? process).on("message", (message) => {
	last = last.then(() => serve(message));
});
