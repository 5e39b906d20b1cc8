// Measurements that are bounded by time, not by count, so that a slow driver takes no longer than a fast one.

/**
 * Durations of warm-up and measurement.
 *
 * @typedef {{ warmUpMs: number, measureMs: number }} Duration
 */

/** The clock is looked at about this often, because that costs as much as a tenth of the fastest read. */
const CLOCK_INTERVAL_MS = 0.5;

/** At most as many operations of a lane between two looks at the clock. */
const CLOCK_STRIDE_MAX = 64;

/**
 * Runs an operation over and over with a constant number of them in flight, and measures how many end in a second.
 *
 * Operations issued before the time was up are waited for and counted, and so is the time that they took.
 *
 * @param {number} inFlight
 * @param {(step: number) => unknown} operation - Gets the number of the call; may return a promise.
 * @param {Duration} duration
 * @returns {Promise<number>} operations per second
 */
export async function throughput(inFlight, operation, { warmUpMs, measureMs }) {
	const warm = await runLanes(inFlight, operation, { durationMs: warmUpMs, stride: 1, firstStep: 0 });
	const perLane = (warm.perSecond * CLOCK_INTERVAL_MS) / 1000 / inFlight;
	const stride = Math.max(1, Math.min(CLOCK_STRIDE_MAX, Math.floor(perLane)));
	const run = await runLanes(inFlight, operation, { durationMs: measureMs, stride, firstStep: warm.steps });
	return run.perSecond;
}

/**
 * @param {number} inFlight
 * @param {(step: number) => unknown} operation
 * @param {{ durationMs: number, stride: number, firstStep: number }} options
 */
async function runLanes(inFlight, operation, { durationMs, stride, firstStep }) {
	let step = firstStep;
	let stopped = false;
	const start = performance.now();
	const lane = async () => {
		while (!stopped) {
			for (let count = 0; count < stride; count++) {
				await operation(step++);
			}
			stopped ||= performance.now() - start >= durationMs;
		}
	};
	await Promise.all(Array.from({ length: inFlight }, lane));
	const count = step - firstStep;
	return { perSecond: (count * 1000) / (performance.now() - start), steps: step };
}

/**
 * The time that an asynchronous function takes.
 *
 * @param {() => unknown} work
 */
export async function elapsedMs(work) {
	const start = performance.now();
	await work();
	return performance.now() - start;
}
