// The SDK's duplicates, and expiries, in a file that goes from the SDK to rootcellar and back.

import { describe, expect, test, vi } from "vitest";
import { rawRows } from "../../helpers/raw.mjs";
import { temporaryFile } from "../../helpers/store.mjs";
import { carryOut, readValue } from "./carry-out.mjs";
import { remove, removeLike, set, update } from "./steps.mjs";

vi.setConfig({ testTimeout: 300_000 });

const LATER = new Date(4_102_444_800_000);
const _MUCH_LATER = new Date(4_133_980_800_000);
const PAST = new Date(1_000_000_000_000);

describe("a file with the SDK's duplicates", () => {
	const duplicates = (second) => [set({ key: "a", value: "old" }), set({ key: "a", value: "new", ...second })];

	test("a value that we set is what the SDK reads, whatever rows it left", async () => {
		const filename = temporaryFile();
		await carryOut("sdk", filename, [...duplicates(), set({ key: "a", value: "newest", expires_at: LATER })]);
		await carryOut("rootcellar", filename, [set({ key: "a", value: "ours" })]);
		expect(await readValue("sdk", filename, "a")).toBe("ours");
		const rows = await rawRows(filename);
		expect(rows.map(({ value, expires_at }) => [value, expires_at])).toContainEqual(['"ours"', null]);
		expect(rows.filter(({ value }) => value !== '"ours"')).toEqual([]);
	});

	test("update starts from the latest row, and the SDK reads its result", async () => {
		const filename = temporaryFile();
		await carryOut("sdk", filename, duplicates());
		await carryOut("rootcellar", filename, [update("a", " and ours")]);
		expect(await readValue("rootcellar", filename, "a")).toBe("new and ours");
		expect(await readValue("sdk", filename, "a")).toBe("new and ours");
	});

	test("update keeps the expiry of the latest row, not of an older one", async () => {
		const filename = temporaryFile();
		await carryOut("sdk", filename, duplicates({ expires_at: LATER }));
		await carryOut("rootcellar", filename, [update("a", " and ours")]);
		const { selected } = await carryOut("rootcellar", filename, []);
		expect(selected[0]).toStrictEqual([{ key: "a", value: "new and ours", expiresAt: LATER, expires_at: LATER }]);
	});

	test("delete and deleteLike remove every row, for the SDK too", async () => {
		const filename = temporaryFile();
		await carryOut("sdk", filename, [...duplicates(), set({ key: "b", value: 1 }), set({ key: "b", value: 2 })]);
		await carryOut("rootcellar", filename, [remove("a"), removeLike("b%")]);
		expect(await rawRows(filename)).toEqual([]);
		expect(await readValue("sdk", filename, "a")).toBeUndefined();
	});

	test("an expired latest row hides the older ones, and goes on hiding them once it is purged", async () => {
		const filename = temporaryFile();
		const bySdk = await carryOut("sdk", filename, duplicates({ expires_at: PAST }), [{ key: "a" }]);
		expect(bySdk.values).toEqual(["old"]);
		expect(await readValue("rootcellar", filename, "a")).toBeUndefined();
		expect(await readValue("rootcellar", filename, "a")).toBeUndefined();
		expect((await carryOut("rootcellar", filename, [])).selected[0]).toEqual([]);
		await carryOut("rootcellar", filename, [update("a", "from the default")]);
		expect(await readValue("rootcellar", filename, "a")).toBe("from the default");
		expect(await readValue("sdk", filename, "a")).toBe("from the default");
	});

	test("an expired older row does not hide a live latest one, and purging it keeps the key", async () => {
		const filename = temporaryFile();
		await carryOut("sdk", filename, [
			set({ key: "a", value: "old", expires_at: PAST }),
			set({ key: "a", value: "new" }),
			set({ key: "b", value: "old", expires_at: PAST }),
			update("b", "new"),
		]);
		for (const side of ["rootcellar", "rootcellar", "sdk"]) {
			const { values } = await carryOut(side, filename, [], [{ key: "a" }, { key: "b" }]);
			expect(values, side).toEqual(["new", "new"]);
		}
	});
});

describe("expiry across the two", () => {
	test("the SDK's expired rows are purged when rootcellar opens the file, and others are kept", async () => {
		const filename = temporaryFile();
		await carryOut("sdk", filename, [
			set({ key: "expired", value: 1, expires_at: PAST }),
			set({ key: "expired", value: 1, expires_at: PAST, communityId: "north" }),
			set({ key: "live", value: 2, expires_at: LATER }),
			set({ key: "for ever", value: 3 }),
		]);
		expect((await rawRows(filename)).length).toBe(4);
		await carryOut("rootcellar", filename, []);
		expect((await rawRows(filename)).map(({ key }) => key)).toEqual(["live", "for ever"]);
	});

	test("text as an expiry, which the SDK stores, never ends, as in the SDK", async () => {
		const filename = temporaryFile();
		await carryOut("sdk", filename, [set({ key: "a", value: 1, expires_at: "1999-01-01" })]);
		for (const side of ["sdk", "rootcellar", "sdk"]) expect(await readValue(side, filename, "a"), side).toBe(1);
		const { selected } = await carryOut("rootcellar", filename, [set({ key: "b", value: 2 })]);
		expect(selected[0]).toStrictEqual([
			{ key: "a", value: 1 },
			{ key: "b", value: 2 },
		]);
	});

	test("what we store with an expiry ends for the SDK at the same moment", async () => {
		const filename = temporaryFile();
		const endsAt = new Date(Date.now() + 60_000);
		await carryOut("rootcellar", filename, [
			set({ key: "expiring", value: 1, expiresAt: endsAt }),
			set({ key: "expired", value: 2, expiresAt: PAST }),
		]);
		const reads = [{ key: "expiring" }, { key: "expired" }];
		expect((await carryOut("sdk", filename, [], reads)).values).toEqual([1, undefined]);
		expect((await rawRows(filename))[0].expires_at).toBe(endsAt.getTime());
	});
});

test("select keeps the order in which the SDK stored the keys, and continues it", async () => {
	const filename = temporaryFile();
	const keysOf = async (side) => (await carryOut(side, filename, [])).selected[0].map(({ key }) => key);
	await carryOut(
		"sdk",
		filename,
		[..."mzb"].map((key) => set({ key, value: key })),
	);
	await carryOut("sdk", filename, [set({ key: "z", value: "z again" })]);
	expect(await keysOf("rootcellar")).toEqual(["m", "z", "b"]);
	await carryOut("rootcellar", filename, [set({ key: "a", value: "a" }), set({ key: "m", value: "m again" })]);
	expect(await keysOf("rootcellar")).toEqual(["m", "z", "b", "a"]);
});
