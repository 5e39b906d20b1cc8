// Stored data: keys, values, and a fixed random order in which they are visited.

/** Number of keys with a common prefix: the rows of `select`. */
export const GROUP_SIZE = 1000;

/** @typedef {{ id: number, name: string, level: number, xp: number, roles: string[], joinedAt: number }} Member */

/**
 * The prefix of the `index`th group of a thousand keys.
 *
 * @param {number} index
 */
export function groupPrefix(index) {
	return `group:${String(index).padStart(3, "0")}:`;
}

/**
 * The `index`th key: 27 characters, as `group:007:member:000007042`.
 *
 * @param {number} index
 */
export function keyAt(index) {
	return `${groupPrefix(Math.floor(index / GROUP_SIZE))}member:${String(index).padStart(9, "0")}`;
}

/**
 * The keys of a store of that many.
 *
 * @param {number} count
 */
export function allKeys(count) {
	return Array.from({ length: count }, (_, index) => keyAt(index));
}

/**
 * The prefix of a hundred keys, as `group:007:member:0000070`.
 *
 * @param {number} index - Of the hundred.
 */
export function hundredPrefix(index) {
	return keyAt(index * 100).slice(0, -2);
}

/**
 * A typical value: an object of about 110 bytes of JSON.
 *
 * @param {number} index
 * @returns {Member}
 */
export function valueAt(index) {
	return {
		id: index,
		name: "Ada Lovelace of Root",
		level: index % 100,
		xp: 1000 + (index % 9000),
		roles: ["member", "gardener"],
		joinedAt: 1760000000000 + index,
	};
}

/**
 * Entries of the store, `from` included and `to` not.
 *
 * @param {number} from
 * @param {number} to
 */
export function entriesBetween(from, to) {
	return Array.from({ length: to - from }, (_, offset) => ({
		key: keyAt(from + offset),
		value: valueAt(from + offset),
	}));
}

/**
 * Random numbers from a seed (mulberry32), so that every driver visits the same keys in the same order.
 *
 * @param {number} seed
 * @returns {() => number} from 0 up to, not including, 1
 */
export function randomFrom(seed) {
	let state = seed >>> 0;
	return () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let mixed = Math.imul(state ^ (state >>> 15), state | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
	};
}

/**
 * Keys in a uniformly random order that repeats after `length` steps.
 *
 * @param {readonly string[]} keys
 * @param {{ seed?: number, length?: number }} [options] - `length` must be a power of two.
 * @returns {(step: number) => string}
 */
export function randomKeys(keys, { seed = 1, length = 131_072 } = {}) {
	const random = randomFrom(seed);
	const order = Uint32Array.from({ length }, () => Math.floor(random() * keys.length));
	const mask = length - 1;
	return (step) => keys[order[step & mask]];
}
