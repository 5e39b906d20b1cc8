/** @typedef {import("./rules.mjs").Import} Import */

/**
 * A shortest circle of imports through each group of files that all lead to each other.
 *
 * @param {Import[]} imports
 * @returns {Import[][]}
 */
export function circlesIn(imports) {
	/** @type {Map<string, Import[]>} */
	const from = new Map();
	for (const one of imports) from.set(one.from, [...(from.get(one.from) ?? []), one]);
	/** @type {Set<string>} */
	const seen = new Set();
	const circles = [];
	for (const file of from.keys()) {
		if (seen.has(file)) continue;
		const circle = shortestCircle(file, from);
		for (const one of circle) seen.add(one.from);
		if (circle.length > 0) circles.push(circle);
	}
	return circles;
}

/**
 * The imports that lead from a file back to itself, none if nothing does.
 *
 * @param {string} start
 * @param {Map<string, Import[]>} from
 * @returns {Import[]}
 */
function shortestCircle(start, from) {
	/** @type {Map<string, Import[]>} */
	const ways = new Map([[start, []]]);
	for (const [file, way] of ways) {
		for (const one of from.get(file) ?? []) {
			if (one.to === start) return [...way, one];
			if (!ways.has(one.to)) ways.set(one.to, [...way, one]);
		}
	}
	return [];
}
