import { runFresh } from "../../lib/processes/fresh.mjs";

const BYTES_PER_MIB = 1024 * 1024;

/**
 * @param {string} driver
 * @param {{ folder: string, starts: number }} options
 * @returns {Promise<number[]>} milliseconds
 */
export function importTimes(driver, { folder, starts }) {
	return repeat(starts, () => runFresh(new URL("import-child.mjs", import.meta.url), { args: [driver], folder }));
}

/**
 * @param {number} keyCount
 * @param {{ folder: string, starts: number }} options - The folder holds a store.
 * @returns {Promise<number[]>} milliseconds
 */
export function openTimes(keyCount, { folder, starts }) {
	const args = [folder, String(keyCount)];
	return repeat(starts, () => runFresh(new URL("open-child.mjs", import.meta.url), { args }));
}

/**
 * Memory of a process beyond that of one that does nothing.
 *
 * @param {string} folder
 * @param {number} keyCount
 */
export async function memory(folder, keyCount) {
	const options = { execArgv: ["--expose-gc"], args: [folder, String(keyCount)] };
	const bare = await runFresh(new URL("bare-child.mjs", import.meta.url), options);
	const full = await runFresh(new URL("memory-child.mjs", import.meta.url), options);
	const above = (/** @type {keyof typeof bare} */ name) => (full[name] - bare[name]) / BYTES_PER_MIB;
	return { settledMiB: above("settledBytes"), unsettledMiB: above("unsettledBytes"), peakMiB: above("peakBytes") };
}

/**
 * @param {number} starts
 * @param {() => Promise<number>} run
 */
async function repeat(starts, run) {
	const times = [];
	for (let start = 0; start < starts; start++) times.push(await run());
	return times;
}
