// Hooks that do not come to an end: each is waited for once, for ten seconds.

import { expect, test } from "vitest";
import { until } from "../helpers/time.mjs";
import { openBackedUp as open } from "./backups.mjs";
import { captured, machine } from "./machine.mjs";

test("hooks that never end are not waited for again, and backups go on", { timeout: 300_000 }, async () => {
	const { file, destination } = machine();
	const store = open(file, { beforeBackup: () => new Promise(() => {}) });
	await store.appData.set({ key: "k", value: 1 });
	await until(() => captured(destination).length > 0, "a backup in spite of its hook");
	const before = captured(destination).length;
	await store.appData.set({ key: "k", value: 2 });
	await until(() => captured(destination).length > before, "the next backup");
	expect(store.backups.status().lastError.code).toBe("ERR_BACKUP_HOOK");
});
