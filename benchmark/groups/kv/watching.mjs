import { fork } from "node:child_process";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { openDataStore } from "rootcellar";
import { keyAt } from "../../lib/data.mjs";
import { percentile } from "../../lib/report/statistics.mjs";
import { cpuMsSince } from "../backup/processor.mjs";

/** Changes by the other process, at random moments. */
const CHANGES = 200;
const PAUSE_MS_MAX = 150;

/** Until a process that has just opened its store is at rest. */
const REST_MS = 1000;

const inMs = /** @type {const} */ ({ unit: "ms", better: "lower" });
const inMsPerSecond = /** @type {const} */ ({ unit: "ms/s", better: "lower" });

/** @type {readonly import("../index.mjs").WorkloadInfo[]} */
export const watchWorkloads = [
	{ id: "kv-watch-foreign", title: "from a commit of another process to a watch of all keys, p99", ...inMs },
	{ id: "kv-watch-foreign-median", title: "the same, median", ...inMs },
	{ id: "kv-watch-own", title: "from a set to the watch of the same store, median", ...inMs },
	{ id: "kv-watch-idle", title: "what an idle watch computes, without backups", ...inMsPerSecond },
	{ id: "kv-watch-idle-backups", title: "the same, beside backups", ...inMsPerSecond },
];

/**
 * Measures a watch of every key of a store.
 *
 * @param {string} filename
 * @param {number} keyCount
 * @param {import("../../lib/profile.mjs").Profile} profile
 * @returns {Promise<Record<string, number>>}
 */
export async function measureWatch(filename, keyCount, { idleMs, name }) {
	const changes = name === "full" ? CHANGES : 10;
	// A watch does not keep the process alive.
	const alive = setInterval(() => {}, REST_MS);
	const beside = openDataStore({ filename, backup: { quiet: true } });
	await beside.backups.create();
	const idleBesideBackups = await costOfWatch(beside, idleMs);
	await beside.close();

	const store = openDataStore({ filename, backup: false });
	const idle = await costOfWatch(store, idleMs);
	const watch = store.kv.watch({ prefix: "" });
	let told = next(watch);
	await store.appData.set({ key: "first", value: "last" });
	await told;
	told = next(watch);

	const other = fork(fileURLToPath(new URL("watching-child.mjs", import.meta.url)), [filename]);
	await answerOf(other);
	const foreign = [];
	for (let n = 0; n < changes; n++) {
		await wait(Math.random() * PAUSE_MS_MAX);
		other.send({ key: keyAt(n % keyCount), value: n });
		const { committedAt } = await answerOf(other);
		const at = await told;
		foreign.push(Math.max(0, at - committedAt));
		told = next(watch);
	}
	other.disconnect();

	const own = [];
	for (let n = 0; n < changes; n++) {
		const since = now();
		await store.appData.set({ key: keyAt(n % keyCount), value: { own: n } });
		own.push((await told) - since);
		told = next(watch);
	}
	await watch.return?.();
	await store.close();
	clearInterval(alive);
	return {
		"kv-watch-foreign": percentile(foreign, 0.99),
		"kv-watch-foreign-median": percentile(foreign, 0.5),
		"kv-watch-own": percentile(own, 0.5),
		"kv-watch-idle": idle,
		"kv-watch-idle-backups": idleBesideBackups,
	};
}

/**
 * Processor time that a watch of every key takes while nothing changes, beyond what the process takes without it.
 *
 * @param {import("rootcellar").DataStore} store
 * @param {number} idleMs
 */
async function costOfWatch({ appData, kv }, idleMs) {
	await appData.get("");
	await wait(REST_MS);
	const without = await idleCost(idleMs);
	const watch = kv.watch({ prefix: "" });
	const told = watch.next();
	await appData.set({ key: "first", value: without });
	await told;
	void watch.next();
	await wait(REST_MS);
	const withWatch = await idleCost(idleMs);
	await watch.return?.();
	return Math.max(0, withWatch - without);
}

/**
 * @param {import("node:child_process").ChildProcess} child
 * @returns {Promise<{ committedAt: number }>}
 */
function answerOf(child) {
	return new Promise((resolve, reject) => {
		const ended = () => reject(new Error("the other process has ended"));
		child.once("exit", ended);
		child.once("message", (message) => {
			child.off("exit", ended);
			resolve(/** @type {{ committedAt: number }} */ (message));
		});
	});
}

/** Milliseconds since 1970, with fractions: one clock for both processes. */
function now() {
	return performance.timeOrigin + performance.now();
}

/**
 * The moment at which a watch tells of something.
 *
 * @param {AsyncIterator<unknown>} watch
 */
async function next(watch) {
	await watch.next();
	return now();
}

/**
 * Milliseconds of one core in a second.
 *
 * @param {number} ms
 */
async function idleCost(ms) {
	const before = process.cpuUsage();
	await wait(ms);
	return (cpuMsSince(before) / ms) * 1000;
}
