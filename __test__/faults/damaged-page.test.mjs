// A damaged page rejects what it concerns, and nothing else.

import { readFileSync, writeFileSync } from "node:fs";
import { openDataStore } from "rootcellar";
import { describe, expect, test } from "vitest";
import { expectFailure, SECRET } from "../helpers/errors.mjs";
import { temporaryFile, temporaryStore } from "../helpers/store.mjs";

describe("a damaged page", () => {
	const PAGE_BYTES = 4_096;
	const DAMAGED = 25;
	const keys = Array.from({ length: 50 }, (_, i) => `k${String(i).padStart(2, "0")}`);
	const damaged = keys[DAMAGED];
	const storedAs = (key) => `${SECRET}:${key}:`.padEnd(3_000, ".");

	/** A store whose table has a page of garbage where the value of one key was; each has a page of its own. */
	async function damagedStore() {
		const filename = temporaryFile();
		const first = openDataStore({ filename, backup: false });
		await first.appData.set(keys.map((key) => ({ key, value: storedAs(key) })));
		await first.close();
		const bytes = readFileSync(filename);
		const page = Math.floor(bytes.indexOf(`${SECRET}:${damaged}:`) / PAGE_BYTES);
		bytes.fill(0xa5, page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
		writeFileSync(filename, bytes);
		return { filename, store: temporaryStore(filename) };
	}

	const corrupt = (operation) => expectFailure(operation, "SQLITE_CORRUPT");

	test("rejects the reads that it concerns, and no other of the same tick", async () => {
		const { appData } = (await damagedStore()).store;
		await Promise.all(
			keys.map(async (key) => {
				if (key === damaged) await corrupt(() => appData.get(key));
				else expect(await appData.get(key)).toBe(storedAs(key));
			}),
		);
		await corrupt(() => appData.select("%"));
		await corrupt(() => appData.selectValue("k2%"));
		expect(await appData.select("k1%")).toHaveLength(10);
		await Promise.all([
			corrupt(() => appData.select("k2%")),
			corrupt(() => appData.get(damaged)),
			appData.get("k00").then((value) => expect(value).toBe(storedAs("k00"))),
			appData.get("missing").then((value) => expect(value).toBeUndefined()),
			appData.select("k3%").then((entries) => expect(entries).toHaveLength(10)),
		]);
	});

	test("rejects the writes that it concerns, and no other of the same tick", async () => {
		const { filename, store } = await damagedStore();
		const { appData } = store;
		let calls = 0;
		const called = () => {
			calls++;
			return SECRET;
		};
		await corrupt(() => appData.update(damaged, called, SECRET));
		expect(calls).toBe(0);
		await Promise.all([
			appData.set({ key: "k00", value: "before" }),
			corrupt(() => appData.set({ key: damaged, value: SECRET })),
			appData.set({ key: "k01", value: "between" }),
			appData.update("k02", () => "updated", ""),
			corrupt(() => appData.delete(damaged)),
			appData.delete("k03"),
			corrupt(() =>
				appData.set([
					{ key: "k04", value: SECRET },
					{ key: damaged, value: SECRET },
				]),
			),
			corrupt(() => appData.deleteLike("k2%")),
			appData.set({ key: "new", value: "new" }),
		]);
		const expected = { k00: "before", k01: "between", k02: "updated", k03: undefined, new: "new" };
		for (const [key, value] of Object.entries(expected)) expect(await appData.get(key)).toBe(value);
		for (const key of ["k04", "k20", "k24", "k26", "k29"]) expect(await appData.get(key)).toBe(storedAs(key));
		await store.close();
		const again = temporaryStore(filename).appData;
		for (const [key, value] of Object.entries(expected)) expect(await again.get(key)).toBe(value);
		await corrupt(() => again.get(damaged));
	});
});
