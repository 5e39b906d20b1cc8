/**
 * The middle of some numbers; of an even count, the mean of the middle two.
 *
 * @param {readonly number[]} numbers - At least one.
 */
export function median(numbers) {
	if (numbers.length === 0) throw new RangeError("there is no median of no numbers");
	const sorted = [...numbers].sort((a, b) => a - b);
	const middle = sorted.length >> 1;
	return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * The smallest of some numbers that so large a part of them does not exceed.
 *
 * @param {readonly number[]} numbers - At least one.
 * @param {number} part - From above 0 to 1.
 */
export function percentile(numbers, part) {
	if (numbers.length === 0) throw new RangeError("there is no percentile of no numbers");
	const sorted = [...numbers].sort((a, b) => a - b);
	return sorted[Math.ceil(sorted.length * part) - 1];
}

/**
 * One measured number.
 *
 * @typedef {{ group: string, workload: string, subject: string, value: number }} Sample
 *
 * Summary of the rounds of a run: the median of one workload and one subject (a driver, or a size).
 *
 * @typedef {{ group: string, workload: string, subject: string, median: number, samples: number[] }} Result
 */

/**
 * Gathers the samples of all rounds, in the order in which each workload and subject first appears.
 *
 * @param {readonly Sample[]} samples
 * @returns {Result[]}
 */
export function summarize(samples) {
	/** @type {Map<string, Result>} */
	const results = new Map();
	for (const { group, workload, subject, value } of samples) {
		const name = JSON.stringify([group, workload, subject]);
		let result = results.get(name);
		if (result === undefined) {
			result = { group, workload, subject, median: value, samples: [] };
			results.set(name, result);
		}
		result.samples.push(value);
	}
	for (const result of results.values()) result.median = median(result.samples);
	return [...results.values()];
}

/**
 * @param {readonly Result[]} results
 * @param {{ group: string, workload: string }} place
 * @param {string} subject
 * @returns {number | undefined}
 */
export function medianOf(results, { group, workload }, subject) {
	const same = (/** @type {Result} */ r) => r.group === group && r.workload === workload && r.subject === subject;
	return results.find(same)?.median;
}
