// A lock that another process holds too long: what needs it is rejected with SQLITE_BUSY, and works when it is released.

import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { expectFailure, SECRET } from "../helpers/errors.mjs";
import { raw, rawConnection } from "../helpers/raw.mjs";
import { temporaryFile, temporaryStore } from "../helpers/store.mjs";
import { behindExclusive } from "./held.mjs";

describe("a lock that another process holds too long", () => {
	const busy = (operation) => expectFailure(operation, "SQLITE_BUSY");

	test("rejects every write that needs it with SQLITE_BUSY after 5 s, and no read", async () => {
		const filename = temporaryFile();
		const { appData } = temporaryStore(filename);
		await appData.set({ key: "k", value: "before" });
		const holder = rawConnection(filename);
		await holder.run("begin exclusive");
		const started = performance.now();
		// A read that needed the lock would be rejected, too.
		expect(await appData.get("k")).toBe("before");
		expect(await appData.get("missing")).toBeUndefined();
		expect(await appData.selectValue("%")).toEqual(["before"]);
		const writes = [
			busy(() => appData.set({ key: "k", value: SECRET })),
			busy(() => appData.set([{ key: "k", value: SECRET }])),
			busy(() => appData.update("k", () => SECRET, "")),
			busy(() => appData.delete("k")),
			busy(() => appData.deleteLike("%")),
		];
		// Behind a pending write a read waits for that write; in another store on the file it waits for nothing.
		const { appData: reader } = temporaryStore(filename);
		let areWaiting = true;
		Promise.race(writes).then(() => (areWaiting = false));
		let readsMeanwhile = 0;
		while (areWaiting) {
			expect(await reader.get("k")).toBe("before");
			expect(await reader.selectValue("%")).toEqual(["before"]);
			if (areWaiting) readsMeanwhile++;
			await sleep(50);
		}
		expect(readsMeanwhile).toBeGreaterThan(0);
		await Promise.all(writes);
		expect(performance.now() - started).toBeGreaterThan(4_000);

		// Issued again while it is held, and had when it is released.
		const found = await behindExclusive(holder, appData, () => [
			appData.update("k", (text) => `${text}!`, ""),
			appData.get("k"),
			appData.selectValue("%"),
		]);
		expect(found).toEqual(["before!", "before!", ["before!"]]);
		console.log("lock held in write-ahead mode: SQLITE_BUSY after 5 s, reads go on, then all done");
	}, 300_000);

	test("rejects within some 5 s also what would be the first write of a store with expired rows", async () => {
		const filename = temporaryFile();
		const first = temporaryStore(filename);
		await first.appData.get("k");
		await first.close();
		await raw(filename, "insert into __rootapp_kv (key, value, expires_at) values ('expired', '1', 5)");
		const holder = rawConnection(filename);
		await holder.run("begin immediate");
		const store = temporaryStore(filename);
		const took = async (operation) => {
			const started = performance.now();
			await operation();
			return performance.now() - started;
		};
		const set = () => busy(() => store.appData.set({ key: "k", value: 1 }));
		expect(await took(set)).toBeLessThan(8_000);
		expect(await took(set)).toBeLessThan(8_000);
		// What takes no lock waits for none.
		const connection = await store.sqlite.reserve();
		expect(await took(() => connection.all("SELECT 1"))).toBeLessThan(3_000);
		expect(await took(() => busy(() => connection.run("CREATE TABLE t (a)")))).toBeLessThan(8_000);
		await connection.release();
		await holder.run("commit");
		await store.appData.set({ key: "k", value: 1 });
	}, 300_000);
});
