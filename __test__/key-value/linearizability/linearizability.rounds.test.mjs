// Linearizability: what concurrent clients saw of a few keys has an order that explains it.

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { expect, onTestFinished, test, vi } from "vitest";
import { packagePath } from "../../helpers/child.mjs";
import { rounds } from "../../helpers/rounds.mjs";
import { temporaryFile, temporaryStore } from "../../helpers/store.mjs";
import { expectOrder, expectTransfers } from "./expectations.mjs";
import { participate, recordAll, startProcess, startWorker } from "./participants.mjs";
import { ORDER_KEY } from "./recorder.mjs";

const ROUNDS = rounds({ few: 3, many: 12, long: 200 });
const ROUND_NS = 500_000_000;

vi.setConfig({ testTimeout: 300_000 + ROUNDS * 60_000 });

/** Two stores of this thread, two worker threads and two processes, in the latter perhaps another SQLite library. */
async function startAll(filename, stores, { withLibrary }) {
	const others = [
		startWorker({ filename, client: "worker1", flows: 2 }),
		startWorker({ filename, client: "worker2", flows: 2 }),
		startProcess({ filename, client: "process1", flows: 2 }),
		startProcess({ filename, client: "process2", flows: 2, withLibrary }),
	];
	await Promise.all(others.map(({ ready }) => ready));
	return [...stores.map((store, n) => participate(store, `main${n}`)), ...others];
}

test("flows, stores, worker threads, processes and another library on three keys see one order of operations", async () => {
	const started = performance.now();
	const filename = temporaryFile();
	const stores = [temporaryStore(filename), temporaryStore(filename)];
	await stores[0].appData.get("any");
	const participants = await startAll(filename, stores, { withLibrary: true });
	let operations = 0;
	let busy = 0;
	let checkingMs = 0;
	for (let round = 0; round < ROUNDS; round++) {
		const all = await recordAll(participants, stores[0].appData, { until: ROUND_NS });
		const history = all.filter(({ isRejected }) => !isRejected);
		const checking = performance.now();
		expectOrder(history, `round ${round}`);
		operations += history.length;
		busy += all.length - history.length;
		checkingMs += performance.now() - checking;
		expect(new Set(history.map(({ client }) => client)).size).toBe(7);
	}
	const seconds = (ms) => (ms / 1_000).toFixed(1);
	console.log(
		`linearizability: ${operations.toLocaleString("en")} operations of 16 flows in ${ROUNDS} histories have an order, ` +
			`${busy} were rejected as busy; checked in ${seconds(checkingMs)} s of ${seconds(performance.now() - started)} s`,
	);
});

test("transfers between ten accounts by stores, worker threads and processes keep the sum, and have an order", async () => {
	const filename = temporaryFile();
	const stores = [temporaryStore(filename), temporaryStore(filename)];
	await stores[0].appData.get("any");
	const participants = await startAll(filename, stores, { withLibrary: false });
	for (let round = 0; round < ROUNDS; round++) {
		const history = await recordAll(participants, stores[0].appData, { until: ROUND_NS, transfers: true });
		expectTransfers(history, `round ${round}`);
		expect(new Set(history.map(({ client }) => client)).size).toBe(6);
	}
});

test("what a client issues without waiting takes effect in that order, while others write the same key", async () => {
	const filename = temporaryFile();
	const stores = [temporaryStore(filename), temporaryStore(filename)];
	await stores[0].appData.get("any");
	const participants = await startAll(filename, stores, { withLibrary: false });
	const appends = 200;
	await Promise.all(participants.map((one) => one.appendInOrder(appends)));
	const list = await stores[0].appData.get(ORDER_KEY);
	expect(list).toHaveLength(participants.length * appends);
	for (const client of ["main0", "main1", "worker1", "worker2", "process1", "process2"]) {
		const own = list.filter((tag) => tag.startsWith(`${client}-`));
		expect(own).toEqual(Array.from({ length: appends }, (_, n) => `${client}-${n}`));
	}
}, 300_000);

/** Worker thread of the test below: sees 1, writes 2, and says when that has resolved. */
const SUCCESSOR = `const { workerData } = require("node:worker_threads");
	const { appData } = require(workerData.packagePath).openDataStore({ filename: workerData.filename, backup: false });
	(async () => {
		while ((await appData.get("k")) !== 1);
		await appData.set({ key: "k", value: 2 });
		Atomics.store(workerData.flag, 0, 1);
		Atomics.notify(workerData.flag, 0);
	})();`;

test("a get that is issued after another thread's write has resolved sees it, even if an own write is not reported yet", async () => {
	const filename = temporaryFile();
	const { appData } = temporaryStore(filename);
	await appData.set({ key: "k", value: 0 });
	const flag = new Int32Array(new SharedArrayBuffer(4));
	const worker = new Worker(SUCCESSOR, { eval: true, workerData: { packagePath, filename, flag } });
	onTestFinished(() => worker.terminate());
	await once(worker, "online");
	const own = appData.set({ key: "k", value: 1 });
	await new Promise((resolve) => process.nextTick(resolve));
	// As a bot that computes for a while: this thread hears nothing before its next turn.
	expect(Atomics.wait(flag, 0, 0, 120_000)).not.toBe("timed-out");
	expect(await appData.get("k")).toBe(2);
	await own;
}, 300_000);
