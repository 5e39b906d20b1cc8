// Time in tests: waiting for what happens, and limits that a busy machine may exceed once.

import { setTimeout as sleep } from "node:timers/promises";

/** Waits until something holds. */
export async function until(holds, what, waitMs = 120_000) {
	const deadline = Date.now() + waitMs;
	while (!(await holds())) {
		if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
		await sleep(10);
	}
}

/**
 * The shortest of some attempts, in milliseconds, of which the first below the limit is the last. Each attempt gives its
 * time. What takes longer by itself takes longer in every attempt; what a busy machine holds up does so for a while.
 */
export async function shortest(limitMs, attempt, forMs = 120_000) {
	const deadline = performance.now() + forMs;
	let least = Number.POSITIVE_INFINITY;
	do least = Math.min(least, await attempt());
	while (least >= limitMs && performance.now() < deadline);
	return least;
}

/**
 * Calls `use` with a moment that is soon, and resolves with what that resolved with before the moment had come, and the
 * moment. Where it had come, calls it again with one that is later.
 */
export async function before(use) {
	for (let lifeMs = 250; ; lifeMs *= 2) {
		const moment = Date.now() + lifeMs;
		const found = await use(moment);
		if (Date.now() < moment) return { found, moment };
	}
}

/** Waits until a moment is past. */
export async function past(moment) {
	while (Date.now() <= moment) await sleep(moment - Date.now() + 1);
}

/** Time for which a lock is waited for. */
const LOCK_WAIT_MS = 5_000;

/**
 * What operations resolve with that wait for a lock, which `hold` takes and `release` lets go of after a while. Begins anew where
 * a busy machine has let it go too late for them.
 */
export async function whileLocked({ hold, operations, heldMs, release }) {
	for (;;) {
		await hold();
		const since = performance.now();
		const settled = Promise.allSettled(operations());
		await sleep(heldMs);
		await release();
		const tookMs = performance.now() - since;
		const results = await settled;
		const failed = results.find(({ status }) => status === "rejected");
		if (failed === undefined) return results.map(({ value }) => value);
		if (failed.reason.code !== "SQLITE_BUSY" || tookMs < LOCK_WAIT_MS) throw failed.reason;
	}
}
