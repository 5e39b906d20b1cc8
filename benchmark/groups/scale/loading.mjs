import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { keyAt, randomFrom, valueAt } from "../../lib/data.mjs";
import { elapsedMs } from "../../lib/measure.mjs";

const BYTES_PER_MB = 1e6;

/** @type {import("../index.mjs").WorkloadInfo} */
export const load = { id: "load", title: "loading in arrays of 20,000", unit: "entries/s", better: "higher" };

/** @type {import("../index.mjs").WorkloadInfo} */
export const loadInOrder = { ...load, id: "load-in-order", title: "loading in arrays of 20,000, in the order of keys" };

/** @type {import("../index.mjs").WorkloadInfo} */
export const fileSize = { id: "file-size", title: "files of the store after loading", unit: "MB", better: "lower" };

/**
 * Puts every key into a new store, in a random order that is the same for all or in that of the keys, and closes it.
 *
 * @param {import("../../drivers/index.mjs").Driver} driver
 * @param {{ folder: string, keyCount: number, arraySize: number, isShuffled: boolean }} options
 * @returns {Promise<number>} entries per second
 */
export async function loadAll(driver, { folder, keyCount, arraySize, isShuffled }) {
	const order = isShuffled ? shuffled(keyCount) : inOrder(keyCount);
	const store = await driver.open(folder);
	let spentMs = 0;
	for (let from = 0; from < keyCount; from += arraySize) {
		const entries = Array.from(order.subarray(from, from + arraySize), (index) => ({
			key: keyAt(index),
			value: valueAt(index),
		}));
		spentMs += await elapsedMs(() => store.setMany(entries));
	}
	spentMs += await elapsedMs(() => store.close());
	return (keyCount * 1000) / spentMs;
}

/** @param {number} count */
const inOrder = (count) => Uint32Array.from({ length: count }, (_, index) => index);

/**
 * The numbers below `count` in a random order (Fisher and Yates).
 *
 * @param {number} count
 */
function shuffled(count) {
	const random = randomFrom(6);
	const order = inOrder(count);
	for (let last = count - 1; last > 0; last--) {
		const other = Math.floor(random() * (last + 1));
		[order[last], order[other]] = [order[other], order[last]];
	}
	return order;
}

/**
 * The size of all files in a folder.
 *
 * @param {string} folder
 */
export function megabytesIn(folder) {
	const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
	const bytes = files.map(({ parentPath, name }) => statSync(join(parentPath, name)).size);
	return bytes.reduce((sum, size) => sum + size, 0) / BYTES_PER_MB;
}
