import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { openDataStore } from "rootcellar";
import { keyAt, valueAt } from "../../lib/data.mjs";

const IN_FLIGHT = 100;

/** Between two writes while it is measured how soon one is safe. */
const PAUSE_MS = 2;

/** Until the last writes are safe. */
const SETTLE_MS = 3000;

/**
 * How long after it was acknowledged a write is safe: when the first capture that began later has arrived.
 *
 * @param {string} folder - Holds a store.
 * @param {import("../../lib/profile.mjs").Profile} profile
 */
export async function measureSafety(folder, { keys, loadMs }) {
	const store = openDataStore({ filename: join(folder, "store.sqlite3"), backup: {} });
	await store.backups.create();
	/** @type {number[]} */
	let waiting = [];
	/** @type {number[]} */
	const latencies = [];
	store.backups.on("backup", ({ createdAt }) => {
		const now = Date.now();
		latencies.push(...waiting.filter((at) => at <= createdAt.getTime()).map((at) => now - at));
		waiting = waiting.filter((at) => at > createdAt.getTime());
	});
	const end = Date.now() + loadMs;
	for (let step = 0; Date.now() < end; step++) {
		await store.appData.set({ key: keyAt(step % keys), value: valueAt(step + 1) });
		waiting.push(Date.now());
		await wait(PAUSE_MS);
	}
	await wait(SETTLE_MS);
	await store.close();
	latencies.sort((a, b) => a - b);
	const at = (/** @type {number} */ part) =>
		latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * part))];
	return { p99Ms: at(0.99), medianMs: at(0.5) };
}

/**
 * @param {string} folder - Holds a store.
 * @param {import("../../lib/profile.mjs").Profile} profile
 * @param {boolean} hasBackups
 */
export async function measureLoad(folder, { keys, loadMs }, hasBackups) {
	const store = openDataStore({ filename: join(folder, "store.sqlite3"), backup: hasBackups ? {} : false });
	const { appData } = store;
	if (hasBackups) await store.backups.create();
	// Writes go on while reads are measured, so that there is always something to back up.
	const setsPerSecond = await rate(loadMs, (step) =>
		appData.set({ key: keyAt(step % keys), value: valueAt(step + 1) }),
	);
	const writing = setInterval(() => appData.set({ key: keyAt(0), value: valueAt(Date.now()) }), 100);
	const getsPerSecond = await rate(loadMs, (step) => appData.get(keyAt(step % keys)));
	clearInterval(writing);
	await store.close();
	return { getsPerSecond, setsPerSecond };
}

/**
 * @param {number} ms
 * @param {(step: number) => Promise<unknown>} operation
 */
async function rate(ms, operation) {
	const end = performance.now() + ms;
	let step = 0;
	const lane = async () => {
		while (performance.now() < end) await operation(step++);
	};
	await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
	return (step / ms) * 1000;
}
