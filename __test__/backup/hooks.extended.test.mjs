// Hooks that do not come to an end: each is waited for once, for ten seconds.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../helpers/store.mjs";
import { until } from "../helpers/time.mjs";
import { openBackedUp as open } from "./backups.mjs";

test("hooks that never end are not waited for again, and backups go on", { timeout: 300_000 }, async () => {
	const file = join(temporaryDirectory(), "bot.sqlite3");
	const captured = () => readdirSync(`${file}.backup/ltx/0`, { recursive: true });
	const store = open(file, { beforeBackup: () => new Promise(() => {}) });
	await store.appData.set({ key: "k", value: 1 });
	await until(() => captured().length > 0, "a backup in spite of its hook");
	const before = captured().length;
	await store.appData.set({ key: "k", value: 2 });
	await until(() => captured().length > before, "the next backup");
	expect(store.backups.status().lastError.code).toBe("ERR_BACKUP_HOOK");
});
