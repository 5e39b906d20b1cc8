// A bot may move from the SDK to rootcellar and back, as often as it likes, with one file. The SDK and
// rootcellar each run in a process of their own, one after the other.

import { describe, expect, test, vi } from "vitest";
import { raw } from "../../helpers/raw.mjs";
import { temporaryFile } from "../../helpers/store.mjs";
import { carryOut, readValue } from "./carry-out.mjs";
import { byKey, createModel, SCOPES } from "./model.mjs";
import { remove, removeLike, set, update } from "./steps.mjs";

vi.setConfig({ testTimeout: 300_000 });

const LATER = new Date(4_102_444_800_000);
const MUCH_LATER = new Date(4_133_980_800_000);
const PAST = new Date(1_000_000_000_000);

const LONG_KEY = `long:${"k".repeat(100_000)}`;
const NUL_KEY = "nul:a\0b";
const UNICODE_KEY = "unicode:\u{1F600}\u00e9e\u0301\u4e2d";
const QUOTED_KEY = "quoted:'\"`\\%_";
const BIG_VALUE = "0123456789abcdef".repeat(70_000);
const TEXT_VALUE = "\0 \ud800 \u{1F600} \u2028 \\ \" '";

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
				// Writes of the SDK are read before anything is changed.
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

test("the latest row is the key's value, and select has the key once", async () => {
	const filename = temporaryFile();
	await carryOut("sdk", filename, [set({ key: "a", value: "old" }), set({ key: "a", value: "new" })]);
	expect(await readValue("sdk", filename, "a")).toBe("old");
	const { values, selected } = await carryOut("rootcellar", filename, [], [{ key: "a" }]);
	expect(values).toEqual(["new"]);
	expect(selected[0]).toStrictEqual([{ key: "a", value: "new" }]);
});
