// A bot may move from the SDK to rootcellar and back, as often as it likes, with one file. The SDK and
// rootcellar each run in a process of their own, one after the other.

import { describe, expect, test, vi } from "vitest";
import { raw, rawRows } from "../../helpers/raw.mjs";
import { temporaryFile } from "../../helpers/store.mjs";
import { runWith } from "../parity/run.mjs";
import { byKey, createModel, SCOPES } from "./model.mjs";
import { remove, removeLike, set, update } from "./steps.mjs";

const STEPS = new URL("./steps.mjs", import.meta.url);
vi.setConfig({ testTimeout: 300_000 });

const LATER = new Date(4_102_444_800_000);
const MUCH_LATER = new Date(4_133_980_800_000);
const PAST = new Date(1_000_000_000_000);

const LONG_KEY = `long:${"k".repeat(100_000)}`;
const NUL_KEY = "nul:a\0b";
const UNICODE_KEY = "unicode:\u{1F600}\u00e9e\u0301\u4e2d";
const QUOTED_KEY = "quoted:'\"`\\%_";
const BIG_VALUE = "0123456789abcdef".repeat(700_000);
const TEXT_VALUE = "\0 \ud800 \u{1F600} \u2028 \\ \" '";

/** Carries out operations on `filename` and gives what a process of `side` reads afterwards. */
const carryOut = (side, filename, operations, reads = []) =>
	runWith(side, filename, STEPS, "carryOut", operations, reads, SCOPES);

/** What the values of one key are to a new process of `side`. */
async function readValue(side, filename, key) {
	const { values } = await carryOut(side, filename, [], [{ key }]);
	return values[0];
}

describe("one file goes from the SDK to rootcellar, to the SDK and to rootcellar", () => {
	const bySdkFirst = [
		set({ key: "plain", value: { xp: 1, list: [null, true] } }),
		set({ key: LONG_KEY, value: "long" }),
		set({ key: NUL_KEY, value: "nul" }),
		set({ key: UNICODE_KEY, value: TEXT_VALUE }),
		set({ key: QUOTED_KEY, value: "quoted" }),
		set({ key: "", value: "the empty key" }),
		set({ key: 7, value: "seven" }),
		set({ key: "null", value: null }),
		set({ key: "big", value: BIG_VALUE }),
		set(...Array.from({ length: 400 }, (_, index) => ({ key: `array:${index}`, value: index }))),
		// Duplicates: the second `set` of the SDK adds a row.
		set({ key: "twice", value: "first" }),
		set({ key: "twice", value: "second" }),
		set({ key: "twice, overwritten", value: "first" }),
		set({ key: "twice, overwritten", value: "second" }),
		set({ key: "twice, updated", value: "first" }),
		set({ key: "twice, updated", value: "second" }),
		set({ key: "twice, deleted", value: "first" }),
		set({ key: "twice, deleted", value: "second" }),
		set({ key: "in one array", value: "first" }, { key: "in one array", value: "second" }),
		set({ key: "expiring, then for ever", value: "first", expires_at: LATER }),
		set({ key: "expiring, then for ever", value: "second" }),
		set({ key: "for ever, then expiring", value: "first" }),
		set({ key: "for ever, then expiring", value: "second", expires_at: LATER }),
		set({ key: "for ever, then expired", value: "first" }),
		set({ key: "for ever, then expired", value: "second", expires_at: PAST }),
		set({ key: "for ever, then expired, left alone", value: "first" }),
		set({ key: "for ever, then expired, left alone", value: "second", expires_at: PAST }),
		set({ key: "expired, then for ever", value: "first", expires_at: PAST }),
		set({ key: "expired, then for ever", value: "second" }),
		set({ key: "expired, then updated", value: "first", expires_at: PAST }),
		update("expired, then updated", "updated"),
		set({ key: "expired, then updated twice", value: "first", expires_at: PAST }),
		update("expired, then updated twice", "once"),
		update("expired, then updated twice", " twice", LATER),
		// Expiry.
		set({ key: "expiring", value: "until 2100", expires_at: LATER }),
		set({ key: "expiring, in milliseconds", value: "until 2100", expires_at: LATER.getTime() }),
		set({ key: "expired", value: "gone", expires_at: PAST }),
		update("updated", "by the SDK", LATER),
		// Communities.
		set({ key: "shared", value: "default" }),
		set({ key: "shared", value: "north", communityId: "north" }),
		set({ key: "shared", value: "north again", communityId: "north", expires_at: LATER }),
		set({ key: "shared", value: "seven", communityId: 7 }),
		update("counted", "n", undefined, "north"),
	];
	const byUsFirst = [
		set({ key: "twice, overwritten", value: "third, ours" }),
		update("twice, updated", " and ours"),
		remove("twice, deleted"),
		set({ key: "for ever, then expired", value: "again, ours" }),
		set({ key: "expiring", value: "now for ever" }),
		update("expiring, in milliseconds", " and on", MUCH_LATER),
		update("updated", " and us"),
		set({ key: "ours", value: { xp: 2 } }),
		set({ key: "ours, expiring", value: "until 2100", expires_at: LATER }),
		set({ key: "ours, expired", value: "gone", expires_at: PAST }),
		set({ key: `${LONG_KEY}, ours`, value: "long" }, { key: `${NUL_KEY}, ours`, value: TEXT_VALUE }),
		set({ key: "big, ours", value: BIG_VALUE }),
		set(...Array.from({ length: 1_000 }, (_, index) => ({ key: `our array:${index}`, value: index }))),
		removeLike("array:1%"),
		set({ key: "shared", value: "ours, seven", communityId: "7" }),
		update("shared", " and ours", undefined, "north"),
		set({ key: "only north", value: "ours", communityId: "north" }),
	];
	const bySdkSecond = [
		set({ key: "twice, overwritten", value: "fourth, the SDK's" }),
		set({ key: "ours", value: "set again by the SDK" }),
		update("ours, expiring", " and on"),
		update("ours, expired", "the SDK's"),
		update("expiring, in milliseconds", " and on"),
		remove("twice, updated"),
		removeLike("our array:5%"),
		set({ key: "second visit", value: "the SDK's", expires_at: MUCH_LATER }),
		set({ key: "shared", value: "north, the SDK's", communityId: "north" }),
		remove("only north", "north"),
	];
	const byUsSecond = [
		set({ key: "twice", value: "third, ours" }),
		update("second visit", " and ours"),
		set({ key: "last", value: "ours" }),
	];

	test("and nothing that the documented methods would have kept is lost on the way", async () => {
		const filename = temporaryFile();
		const model = createModel();
		const sequence = [
			["sdk", bySdkFirst],
			["rootcellar", byUsFirst],
			["sdk", bySdkSecond],
			["rootcellar", byUsSecond],
			["sdk", []],
		];
		for (const [index, [side, operations]] of sequence.entries()) {
			const step = `step ${index + 1}, ${side}`;
			if (side === "rootcellar") {
				// What was written by the SDK is read before anything is changed.
				expectOurReads(`${step}, before`, model, await carryOut(side, filename, [], model.reads()));
			}
			model.apply(side, operations);
			const read = await carryOut(side, filename, operations, model.reads());
			if (side === "rootcellar") expectOurReads(step, model, read);
			else expectSdkReads(step, model, read);
			expect(await raw(filename, "PRAGMA integrity_check"), step).toEqual([{ integrity_check: "ok" }]);
		}
		// The last process of the SDK's saw our values even of keys that it had stored twice.
		expect(model.isDuplicate({ key: "twice" })).toBe(false);
		expect(model.value({ key: "twice" })).toBe("third, ours");
		expect(model.entries(undefined).length).toBeGreaterThan(1_000);
	});

	/** Every key by `get`, every scope by `select`, each key once. */
	function expectOurReads(step, model, { values, selected }) {
		for (const [index, read] of model.reads().entries()) {
			expect(values[index], `${step}, get of ${nameOf(read)}`).toEqual(model.value(read));
		}
		for (const [index, scope] of SCOPES.entries()) {
			const entries = [...selected[index]].sort(byKey);
			expect(entries.map(nameOf), `${step}, select in ${scope}`).toEqual(model.entries(scope).map(nameOf));
			expect(entries, `${step}, select in ${scope}`).toStrictEqual(model.entries(scope));
		}
	}

	/** Every key by `get`, but for those of which the SDK itself keeps an older row. */
	function expectSdkReads(step, model, { values, selected }) {
		let compared = 0;
		for (const [index, read] of model.reads().entries()) {
			if (model.isDuplicate(read)) continue;
			expect(values[index], `${step}, get of ${nameOf(read)}`).toEqual(model.value(read));
			compared += 1;
		}
		expect(compared).toBeGreaterThan(400);
		for (const [index, scope] of SCOPES.entries()) {
			const found = new Set(selected[index].map(({ value }) => JSON.stringify(value)));
			for (const { key, value } of model.entries(scope)) {
				expect(found.has(JSON.stringify(value)), `${step}, select finds ${key.slice(0, 40)}`).toBe(true);
			}
		}
	}

	const nameOf = ({ key, communityId }) => `${JSON.stringify(key.slice(0, 40))} in ${communityId}`;
});

describe("a file with the SDK's duplicates", () => {
	const duplicates = (second) => [set({ key: "a", value: "old" }), set({ key: "a", value: "new", ...second })];

	test("the latest row is the key's value, and select has the key once", async () => {
		const filename = temporaryFile();
		await carryOut("sdk", filename, duplicates());
		expect(await readValue("sdk", filename, "a")).toBe("old");
		const { values, selected } = await carryOut("rootcellar", filename, [], [{ key: "a" }]);
		expect(values).toEqual(["new"]);
		expect(selected[0]).toStrictEqual([{ key: "a", value: "new" }]);
	});

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

test("a file that rootcellar made is one that the SDK opens, reads and writes", async () => {
	const filename = temporaryFile();
	await carryOut("rootcellar", filename, [set({ key: "a", value: { from: "rootcellar" } })]);
	const { values } = await carryOut(
		"sdk",
		filename,
		[set({ key: "b", value: 1 }), remove("c")],
		[{ key: "a" }, { key: "b" }],
	);
	expect(values).toEqual([{ from: "rootcellar" }, 1]);
	const ours = await carryOut("rootcellar", filename, [], [{ key: "a" }, { key: "b" }]);
	expect(ours.values).toEqual([{ from: "rootcellar" }, 1]);
});
