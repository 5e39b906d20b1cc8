// What tests of backups have in common.

import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { openDataStore } from "rootcellar";
import { onTestFinished } from "vitest";

/** A store that is backed up often, closed when the test ends. */
export function openBackedUp(filename, backup = {}) {
	const store = openDataStore({ filename, backup: { intervalMs: 50, quiet: true, ...backup } });
	onTestFinished(() => store.close());
	return store;
}

/** Removes everything but the backups: what a bot loses that is moved to another machine. */
export function lose(file) {
	for (const suffix of ["", "-wal", "-shm", ".backup-state"]) rmSync(file + suffix, { recursive: true, force: true });
}

/** Waits until something holds. */
export async function until(holds, what, waitMs = 10_000) {
	const deadline = Date.now() + waitMs;
	while (!(await holds())) {
		if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
		await sleep(10);
	}
}

/** Waits until everything is at the destination. */
export async function untilSafe(store, waitMs = 60_000) {
	const isSafe = () => store.backups.status().state === "active" && store.backups.status().lagMs === 0;
	await until(isSafe, "the backlog to arrive", waitMs);
}
