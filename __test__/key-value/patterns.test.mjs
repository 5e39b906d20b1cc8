// Patterns of `select`, `selectValue` and `deleteLike`: SQL LIKE with a working backslash.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { makeSdkFile } from "../helpers/raw.mjs";
import { isStorable } from "../helpers/storable.mjs";
import { keysOf, temporaryAppData, temporaryFile, temporaryStore } from "../helpers/store.mjs";
import { shortest } from "../helpers/time.mjs";

/** Reference implementation of the documented patterns: written for clarity, one code point at a time. */
function matches(pattern, key) {
	const fold = (character) => (/^[A-Z]$/.test(character) ? character.toLowerCase() : character);
	const tokens = [];
	const characters = [...pattern];
	for (let i = 0; i < characters.length; i++) {
		const character = characters[i];
		const next = characters[i + 1];
		if (character === "%") tokens.push("run");
		else if (character === "_") tokens.push("one");
		else if (character === "\\" && ["%", "_", "\\"].includes(next)) {
			tokens.push({ literal: next });
			i += 1;
		} else tokens.push({ literal: fold(character) });
	}
	let states = new Set([0]);
	const skipRuns = (from) => {
		const reached = new Set(from);
		for (const state of reached) if (tokens[state] === "run") reached.add(state + 1);
		return reached;
	};
	for (const character of key) {
		const next = new Set();
		for (const state of skipRuns(states)) {
			const token = tokens[state];
			if (token === "run") next.add(state);
			else if (token === "one" || token?.literal === fold(character)) next.add(state + 1);
		}
		states = next;
	}
	return skipRuns(states).has(tokens.length);
}

async function storeWith(keys) {
	const appData = temporaryAppData();
	await appData.set(keys.map((key, value) => ({ key, value })));
	return appData;
}

describe("wildcards", () => {
	const keys = [
		"",
		"a",
		"A",
		"ab",
		"aB",
		"a%",
		"a_",
		"a\\",
		"b",
		"a\nb",
		"\u{1f980}",
		"\u00e9",
		"\u00c9",
		"k",
		"\u212a",
	];

	const cases = [
		["% matches every key, the empty one too", "%", keys],
		["an empty pattern matches the empty key alone", "", [""]],
		[
			"_ matches exactly one character, an emoji too",
			"_",
			["a", "A", "b", "\u{1f980}", "\u00e9", "\u00c9", "k", "\u212a"],
		],
		["a pattern without wildcards matches the whole key", "a", ["a", "A"]],
		["ASCII letters match either case", "AB", ["ab", "aB"]],
		["% matches line breaks", "a%b", ["ab", "aB", "a\nb"]],
		["letters outside ASCII match their own case alone", "\u00e9", ["\u00e9"]],
		["the Kelvin sign is no k", "K", ["k"]],
		["wildcards may stand side by side", "%_%_%", ["ab", "aB", "a%", "a_", "a\\", "a\nb"]],
		["\\% is a percent sign", "a\\%", ["a%"]],
		["\\_ is an underscore", "a\\_", ["a_"]],
		["\\\\ is a backslash", "a\\\\", ["a\\"]],
		["a backslash at the end is a backslash", "a\\", ["a\\"]],
		["a backslash before another character is a backslash", "a\\b", []],
		["an escaped backslash leaves the wildcard after it alone", "a\\\\%", ["a\\"]],
	];

	for (const [name, pattern, expected] of cases) {
		test(`${name}`, async () => {
			const appData = await storeWith(keys);
			expect(await keysOf(appData)).toEqual(keys);
			expect(keys.filter((key) => matches(pattern, key))).toEqual(expected);
			expect((await appData.select(pattern)).map((entry) => entry.key)).toEqual(expected);
			expect(await appData.selectValue(pattern)).toEqual(expected.map((key) => keys.indexOf(key)));
			await appData.deleteLike(pattern);
			expect(await keysOf(appData)).toEqual(keys.filter((key) => !expected.includes(key)));
		});
	}

	test("a backslash before another character matches a key that has that backslash", async () => {
		const appData = await storeWith(["a\\b", "ab", "a\\\\b"]);
		expect((await appData.select("a\\b")).map((entry) => entry.key)).toEqual(["a\\b"]);
		expect((await appData.select("A\\B")).map((entry) => entry.key)).toEqual(["a\\b"]);
		expect((await appData.select("a\\\\b")).map((entry) => entry.key)).toEqual(["a\\b"]);
	});

	test("keys with a NUL match beyond it", async () => {
		const keys = ["a\0b", "a\0c", "a", "a\0"];
		const appData = await storeWith(keys);
		expect(await appData.selectValue("a\0b")).toEqual([0]);
		expect(await appData.selectValue("a\0_")).toEqual([0, 1]);
		expect(await appData.selectValue("a_b")).toEqual([0]);
		expect(await appData.selectValue("a\0%")).toEqual([0, 1, 3]);
		expect(await appData.selectValue("%c")).toEqual([1]);
		expect(await appData.selectValue("a")).toEqual([2]);
	});

	test("a pattern of 100,000 characters works, with wildcards and without", async () => {
		const key = "x".repeat(100_000);
		const appData = await storeWith([key, `${key}y`, "x"]);
		expect(await appData.selectValue(key)).toEqual([0]);
		expect(await appData.selectValue(`${key}%`)).toEqual([0, 1]);
		expect(await appData.selectValue(`%${key}_`)).toEqual([1]);
		await appData.deleteLike(`${key}%`);
		expect(await keysOf(appData)).toEqual(["x"]);
	});

	test("many wildcards in one pattern do not stall the store", async () => {
		const appData = await storeWith(["a".repeat(2_000), "b"]);
		// Tried one after the other, the ways to match them would take for ever.
		expect(await appData.selectValue(`${"%a".repeat(50)}%b`)).toEqual([]);
	});
});

describe("order", () => {
	test("select keeps the order of insertion, whatever index answers the pattern", async () => {
		const keys = ["p:z", "p:A", "q", "p:m", "P:b", "p:", "p:0"];
		const appData = await storeWith(keys);
		const found = async (pattern) => (await appData.select(pattern)).map((entry) => entry.key);
		expect(await found("p:%")).toEqual(["p:z", "p:A", "p:m", "P:b", "p:", "p:0"]);
		expect(await found("%")).toEqual(keys);
		expect(await found("p:_")).toEqual(["p:z", "p:A", "p:m", "P:b", "p:0"]);
	});

	test("select keeps the order of a file that the SDK made", async () => {
		const filename = temporaryFile();
		await makeSdkFile(
			filename,
			["b", "c", "a"].map((key) => ({ key, value: "1" })),
		);
		const { appData } = temporaryStore(filename);
		await appData.set({ key: "0", value: 1 });
		await appData.set({ key: "c", value: 2 });
		expect(await keysOf(appData)).toEqual(["b", "c", "a", "0"]);
	});
});

describe("prefixes", () => {
	test("a literal prefix finds what a full comparison finds, at the edges of every range", async () => {
		const edges = [
			"@",
			"A",
			"Z",
			"[",
			"`",
			"a",
			"z",
			"{",
			"\u007f",
			"\u0080",
			"\ud7ff",
			"\ue000",
			"\uffff",
			"\u{10000}",
			"\u{10ffff}",
			"\0",
		].filter(isStorable);
		const keys = edges.flatMap((edge) => [edge, `${edge}x`, `p${edge}`, `P${edge}x`, `p${edge}\u{10ffff}`]);
		const appData = await storeWith(keys);
		for (const pattern of [...edges, ...keys].flatMap((key) => [key, `${key}%`, `${key}_%`])) {
			const found = (await appData.select(pattern)).map((entry) => entry.key);
			expect(found, JSON.stringify(pattern)).toEqual(keys.filter((key) => matches(pattern, key)));
		}
	}, 300_000);

	test("a pattern with a literal prefix costs what it finds, not what the store holds", async () => {
		const appData = temporaryAppData();
		await appData.set(Array.from({ length: 30_000 }, (_, i) => ({ key: `user:${i}`, value: i })));
		const timeOf = async (pattern) => {
			const started = performance.now();
			expect(await appData.selectValue(pattern)).toHaveLength(1);
			return performance.now() - started;
		};
		let scan = Number.POSITIVE_INFINITY;
		for (let i = 0; i < 10; i++) scan = Math.min(scan, await timeOf("%:27182"));
		for (const pattern of ["USER:27182%", "user:27182"]) {
			expect(await shortest(scan / 4, () => timeOf(pattern)), pattern).toBeLessThan(scan / 4);
		}
	}, 300_000);
});

test("random patterns match as the definition says, in select and deleteLike", async () => {
	const unit = fc.constantFrom(...[..."aAbB%_\\[`\u00e9\u00c9\0", "\u{1f980}", "\uffff"].filter(isStorable));
	const text = fc.string({ unit, maxLength: 5 });
	const appData = temporaryAppData();
	await fc.assert(
		fc.asyncProperty(
			fc.uniqueArray(text, { maxLength: 12 }),
			fc.array(text, { minLength: 1, maxLength: 6 }),
			async (keys, patterns) => {
				appData.deleteLike("%");
				appData.set(keys.map((key) => ({ key, value: key })));
				const expected = patterns.map((pattern) => keys.filter((key) => matches(pattern, key)));
				expect(await Promise.all(patterns.map((pattern) => appData.selectValue(pattern)))).toEqual(expected);
				await appData.deleteLike(patterns[0]);
				expect(await keysOf(appData)).toEqual(keys.filter((key) => !matches(patterns[0], key)));
			},
		),
		{ numRuns: 400, interruptAfterTimeLimit: 12_000 },
	);
}, 300_000);

test("long patterns on a long key keep nobody waiting", async () => {
	const { appData } = temporaryStore();
	const key = "a".repeat(1_000_000);
	await appData.set({ key, value: 1 });
	const [long, half] = [20_000, 10_000];
	for (const pattern of [
		`%${"a".repeat(long)}b`,
		`%${"a".repeat(long)}b%`,
		`%${"_".repeat(long)}b%`,
		`${"%a".repeat(long)}%b%`,
		`${"%_a".repeat(half)}%b_%`,
		`%${"a_".repeat(half)}b%`,
		`%${"_\\%".repeat(half)}%`,
	]) {
		await appData.deleteLike(pattern);
		expect(await appData.selectValue(pattern)).toEqual([]);
	}
	expect(await appData.get(key)).toBe(1);
	await appData.deleteLike(`%${"a_".repeat(half)}%`);
	expect(await appData.get(key)).toBe(undefined);
});
