// A file that is in rollback mode: what waits for its locks, and how it goes to write-ahead logging.

import { openDataStore } from "rootcellar";
import { expect, test } from "vitest";
import { expectFailure } from "../helpers/errors.mjs";
import { expectSound, raw, rawConnection } from "../helpers/raw.mjs";
import { temporaryFile, temporaryStore } from "../helpers/store.mjs";
import { until } from "../helpers/time.mjs";
import { behindExclusive } from "./held.mjs";
import { load } from "./load.mjs";

const busy = (operation) => expectFailure(operation, "SQLITE_BUSY");

test("a lock that is held too long rejects reads, too, and the file may go to write-ahead logging under load", async () => {
	const filename = temporaryFile();
	const first = openDataStore({ filename, backup: false });
	await first.appData.set({ key: "k", value: "before" });
	await first.close();
	const holder = rawConnection(filename);
	// Whoever reads all the while that the store opens keeps it from switching the file.
	await holder.run("pragma journal_mode = delete", "begin", "select * from __rootapp_kv");
	const store = temporaryStore(filename);
	const { appData } = store;
	expect(await appData.get("k")).toBe("before");
	await holder.run("commit");
	expect(await raw(filename, "pragma journal_mode")).toEqual([{ journal_mode: "delete" }]);

	await holder.run("begin exclusive");
	const started = performance.now();
	await Promise.all([busy(() => appData.get("k")), busy(() => appData.get("missing"))]);
	expect(performance.now() - started).toBeGreaterThan(4_000);
	const found = await behindExclusive(holder, appData, () => [
		appData.get("k"),
		appData.update("k", (text) => `${text}!`, ""),
		appData.get("k"),
		appData.selectValue("%"),
	]);
	expect(found).toEqual(["before", "before!", "before!", ["before!"]]);

	const stop = load(appData);
	await until(async () => (await appData.get("count")) > 20, "the load to write");
	await holder.run("pragma busy_timeout = 5000");
	// Whoever waits for the lock to be free for a moment may wait in vain, as it is taken all the time.
	const switched = () =>
		holder.run("pragma journal_mode = wal").then(
			([{ journal_mode }]) => journal_mode === "wal",
			() => false,
		);
	await until(switched, "the file to go to write-ahead logging");
	const counted = await appData.get("count");
	await until(async () => (await appData.get("count")) > counted + 20, "the load to go on");
	const { sets } = await stop();
	expect(await raw(filename, "pragma journal_mode")).toEqual([{ journal_mode: "wal" }]);
	await store.close();
	await expectSound(filename);
	console.log(
		`lock held in rollback mode: SQLITE_BUSY after 5 s; to write-ahead mode under load: ${sets} sets, 0 lost`,
	);
}, 300_000);
