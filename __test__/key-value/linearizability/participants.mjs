// Participants of a history: a process, a worker thread, or this thread.

import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { onTestFinished } from "vitest";
import { environment } from "../../helpers/child.mjs";
import { ACCOUNTS, appendInOrder, BALANCE, nowSince, recordStore, recordTransfers } from "./recorder.mjs";

const program = new URL("./participant.mjs", import.meta.url);

/** A participant in a worker thread. */
export function startWorker(options) {
	const worker = new Worker(program, { workerData: options });
	onTestFinished(() => worker.terminate());
	return participant(worker, (message) => worker.postMessage(message));
}

/** A participant in a process of its own, perhaps with other variables. */
export function startProcess(options, env) {
	const child = fork(fileURLToPath(program), [JSON.stringify(options)], { env: environment(env), execArgv: [] });
	onTestFinished(() => child.kill());
	return {
		...participant(child, (message) => child.send(message)),
		async end() {
			const ended = once(child, "exit");
			child.disconnect();
			await ended;
		},
	};
}

function participant(emitter, send) {
	const ended = once(emitter, "exit").then(() => {
		throw new Error("a participant ended");
	});
	// The end counts only while an answer is waited for.
	ended.catch(() => {});
	async function answer() {
		const [message] = await Promise.race([once(emitter, "message"), ended]);
		return message;
	}
	function ask(message) {
		send(message);
		return answer();
	}
	return {
		ready: answer(),
		record: ({ zero, ...how }) => ask({ zero: String(zero), ...how }),
		stop: () => send({ stop: true }),
		appendInOrder: (appends) => ask({ appends }),
	};
}

/** A participant in this thread. */
export function participate(store, client) {
	return {
		record({ zero, until, transfers }) {
			const options = { client, flows: 3, zero, isOver: () => nowSince(zero) >= until };
			return (transfers ? recordTransfers : recordStore)(store, options);
		},
		appendInOrder: (appends) => appendInOrder(store.appData, client, appends),
	};
}

/**
 * The history of all participants: from an empty store on, or of transfers from accounts on that have their balance.
 * `meanwhile` may do what is to happen while they go on.
 *
 * @param {ReturnType<typeof participate>[]} participants
 * @param {import("rootcellar").KeyValueStore} appData
 * @param {{ zero?: bigint, until?: number, transfers?: boolean, meanwhile?: () => Promise<void> }} how `until` is in
 *   nanoseconds since `zero`; without, they go on until they are stopped
 */
export async function recordAll(participants, appData, { meanwhile, ...how }) {
	await appData.deleteLike("%");
	if (how.transfers) await appData.set(ACCOUNTS.map((key) => ({ key, value: BALANCE })));
	const zero = process.hrtime.bigint();
	const histories = participants.map((one) => one.record({ zero, ...how }));
	await meanwhile?.();
	return (await Promise.all(histories)).flat();
}
