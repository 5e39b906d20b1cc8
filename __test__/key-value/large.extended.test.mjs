// Values and arrays of hundreds of megabytes, which take much time and memory.

import { expect, test } from "vitest";
import { expectTooLarge } from "../helpers/errors.mjs";
import { temporaryAppData } from "../helpers/store.mjs";

test("an array of 300,000 entries is written", async () => {
	const appData = temporaryAppData();
	await appData.set(Array.from({ length: 300_000 }, (_, i) => ({ key: `k${i}`, value: i })));
	expect(await appData.get("k299999")).toBe(299_999);
	expect(await appData.selectValue("k2%")).toHaveLength(111_111);
}, 300_000);

test("a value of 10 MB and one of 64 MB come back as they were", async () => {
	const appData = temporaryAppData();
	const ten = "ten \u00e9\u{1f980} ".repeat(1_000_000);
	const many = Array.from({ length: 64 }, (_, i) => String(i % 10).repeat(1_000_000));
	await appData.set({ key: "ten", value: ten });
	await appData.set({ key: "many", value: many });
	expect((await appData.get("ten")) === ten).toBe(true);
	expect((await appData.get("many")).join() === many.join()).toBe(true);
}, 300_000);

test("a value past SQLite's limit of one billion bytes is a RangeError, and nothing is written", async () => {
	const appData = temporaryAppData();
	await appData.set({ key: "k", value: "before" });
	const value = "\u00e9".repeat(500_000_000);
	await expectTooLarge(
		() =>
			appData.set([
				{ key: "a", value: 1 },
				{ key: "k", value },
			]),
		/^values\[1\](\.value)?$/,
	);
	await expectTooLarge(() => appData.update("k", () => value, ""), /^updateFunc$/);
	expect(await appData.select("%")).toEqual([{ key: "k", value: "before" }]);
	await appData.set({ key: "k", value: "after" });
	expect(await appData.get("k")).toBe("after");
}, 300_000);
