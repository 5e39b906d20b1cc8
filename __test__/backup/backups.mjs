// Helpers of the tests of backups.

import { join } from "node:path";
import { openDataStore } from "rootcellar";
import { expect, onTestFinished } from "vitest";
import { expectFailure } from "../helpers/errors.mjs";
import { remove } from "../helpers/files.mjs";
import { raw } from "../helpers/raw.mjs";
import { until } from "../helpers/time.mjs";
import { machine } from "./machine.mjs";

/** A store that is backed up often, closed when the test ends. */
export function openBackedUp(filename, backup = {}) {
	const store = openDataStore({ filename, backup: { intervalMs: 50, quiet: true, ...backup } });
	onTestFinished(() => store.close());
	return store;
}

/** A machine with a file of which no backup was made: a missing one is not created empty at a destination that fails. */
export async function machineWithFile() {
	const found = machine();
	const store = openDataStore({ filename: found.file, backup: false });
	await store.appData.set({ key: "k", value: 0 });
	await store.close();
	return found;
}

/** Options of a store whose backups are made when they are asked for. */
export const rarely = (url) => ({ url, intervalMs: 100_000 });

/** Removes everything but the backups: what a bot loses that is moved to another machine. */
export function lose(file) {
	for (const suffix of ["", "-wal", "-shm", ".backup-state"]) remove(file + suffix);
}

/** Waits until everything is at the destination. */
export async function untilSafe(store) {
	const isSafe = () => store.backups.status().state === "active" && store.backups.status().lagMs === 0;
	await until(isSafe, "the backlog to arrive");
}

/** A writer that another has overtaken at an object store learns of it, and what is there is the other's alone. */
export async function detectsSecondWriter({ directory, file, url }) {
	const first = openBackedUp(file, rarely(url));
	await first.appData.set({ key: "k", value: 1 });
	await first.backups.create();
	const second = openBackedUp(join(directory, "other.sqlite3"), rarely(url));
	await second.appData.set({ key: "k", value: "second" });
	await second.backups.create();
	await first.appData.set({ key: "k", value: 2 });
	await expectFailure(() => first.backups.create(), "ERR_BACKUP_CONFLICT");
	const to = join(directory, "copy.sqlite3");
	await second.backups.restore({ to });
	expect(await raw(to, "select value from __rootapp_kv")).toEqual([{ value: '"second"' }]);
}
