// Expired rows leave the file of a store that nobody asks anything.

import { expect, test } from "vitest";
import { raw, rawCount } from "../../helpers/raw.mjs";
import { temporaryFile, temporaryStore } from "../../helpers/store.mjs";

test("an expired row leaves the file within 60 s while the bot runs, though nothing is asked of the store", async () => {
	const filename = temporaryFile();
	const { appData } = temporaryStore(filename);
	const expiresAt = Date.now() + 200;
	await appData.set([
		{ key: "k", value: 1, expiresAt },
		{ key: "c", value: 1, expiresAt, communityId: "C" },
		{ key: "live", value: 1, expiresAt: Date.now() + 3_600_000 },
		{ key: "forever", value: 1 },
	]);
	expect(await rawCount(filename)).toBe(4);
	await expect.poll(() => rawCount(filename), { timeout: expiresAt + 60_000 - Date.now(), interval: 1_000 }).toBe(2);
	expect(await raw(filename, "select key from __rootapp_kv order by rowid")).toEqual([
		{ key: "live" },
		{ key: "forever" },
	]);
}, 300_000);
