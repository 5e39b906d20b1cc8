// The contents that a store may have after a crash. The writes of a client take effect in the order of issue, so what its
// keys hold must be what its first n writes make of what they held before, for an n that includes every
// acknowledged write. The counters that all clients share must have grown by the increments among those writes.

import { apply, counterOf, SHARED_COUNTERS } from "./writes.mjs";

/**
 * Record of a client: its writes in the order of issue, how many of them, from the first, are known to be done because the last
 * of those was acknowledged, and the numbers of those that were rejected.
 *
 * @typedef {{ client: string, writes: any[][], acknowledged: number, rejected: Set<number> }} ClientRecord
 */

/**
 * Says what is wrong with the contents after a crash (a map of keys to what they hold), or `undefined`.
 *
 * @param {Map<string, string>} before
 * @param {Map<string, string>} after
 * @param {ClientRecord[]} records
 */
export function problemWith(before, after, records) {
	const owners = new Set(records.map(({ client }) => client));
	for (const key of new Set([...before.keys(), ...after.keys()])) {
		const isOwned = owners.has(key.split("/")[0]) || SHARED_COUNTERS.includes(key);
		if (!isOwned && before.get(key) !== after.get(key)) return `${key} changed, and nobody wrote it`;
	}
	const possibilities = [];
	for (const record of records) {
		const { counts, closest } = possibleCounts(record, before, after);
		if (counts.length === 0) return describe(record, closest, after);
		possibilities.push(counts.map((count) => incrementsOf(record, count)));
	}
	const grown = SHARED_COUNTERS.map((key) => Number(after.get(key) ?? 0) - Number(before.get(key) ?? 0));
	if (sumsOf(possibilities).has(String(grown))) return undefined;
	return `the shared counters grew by ${grown}, which no acknowledgements allow: ${JSON.stringify(possibilities)}`;
}

/** The numbers of writes that explain what a client's keys hold, and the one that comes closest. */
function possibleCounts({ client, writes, acknowledged, rejected }, before, after) {
	const isOwn = ([key]) => key.startsWith(`${client}/`);
	const expected = new Map([...before].filter(isOwn));
	const actual = new Map([...after].filter(isOwn));
	const different = new Set();
	const compare = (key) => {
		if (expected.get(key) === actual.get(key)) different.delete(key);
		else different.add(key);
	};
	for (const key of [...expected.keys(), ...actual.keys()]) compare(key);
	const counts = [];
	let closest;
	for (let count = 0; ; count++) {
		if (count >= acknowledged) {
			if (different.size === 0) counts.push(count);
			if (closest === undefined || different.size < closest.keys.length)
				closest = { count, keys: [...different], expected: new Map(expected) };
		}
		if (count === writes.length) return { counts, closest };
		if (!rejected.has(count)) apply(expected, client, writes[count]).forEach(compare);
	}
}

/** Increments of each shared counter by the first `count` writes. */
function incrementsOf({ writes, rejected }, count) {
	const done = writes.slice(0, count).filter((_, number) => !rejected.has(number));
	return SHARED_COUNTERS.map((key) => done.filter((write) => counterOf(write) === key).length);
}

/** Every sum of one of each client's possibilities, as text. */
function sumsOf(possibilities) {
	let sums = new Map([[String(SHARED_COUNTERS.map(() => 0)), SHARED_COUNTERS.map(() => 0)]]);
	for (const alternatives of possibilities) {
		const next = new Map();
		for (const sum of sums.values()) {
			for (const alternative of alternatives) {
				const total = sum.map((n, index) => n + alternative[index]);
				next.set(String(total), total);
			}
		}
		sums = next;
	}
	return sums;
}

function describe({ client, writes, acknowledged }, { count, keys, expected }, after) {
	const short = (text) => (text === undefined ? "nothing" : text.slice(0, 40));
	const shown = keys.slice(0, 5).map((key) => `${key} holds ${short(after.get(key))}, not ${short(expected.get(key))}`);
	return (
		`${client} issued ${writes.length} writes, of which ${acknowledged} are acknowledged; the contents come closest to ` +
		`the first ${count}, but differ in ${keys.length} keys: ${shown.join("; ")}`
	);
}
