// `set`: what is stored, what replaces what, and what the file then holds.

import { describe, expect, test } from "vitest";
import { expectInvalidArgument, SECRET } from "../helpers/errors.mjs";
import { raw, rawCount, rawRows, SDK_SCHEMA } from "../helpers/raw.mjs";
import { keysOf, temporaryAppData, temporaryFile, temporaryStore } from "../helpers/store.mjs";

const HOUR_MS = 3_600_000;

describe("one entry", () => {
	test("a stored value is there, and set itself resolves with nothing", async () => {
		const appData = temporaryAppData();
		expect(await appData.set({ key: "k", value: { n: [1, "two", null, true] } })).toBeUndefined();
		expect(await appData.get("k")).toEqual({ n: [1, "two", null, true] });
	});

	test("set of an existing key overwrites it and leaves one row", async () => {
		const filename = temporaryFile();
		const { appData } = temporaryStore(filename);
		await appData.set({ key: "k", value: "old" });
		await appData.set({ key: "k", value: "new" });
		expect(await appData.get("k")).toBe("new");
		expect(await rawCount(filename)).toBe(1);
	});

	test("a new entry without an expiry removes the expiry that the key had", async () => {
		const appData = temporaryAppData();
		await appData.set({ key: "k", value: 1, expiresAt: new Date(Date.now() + HOUR_MS) });
		await appData.set({ key: "k", value: 2 });
		expect(await appData.select("k")).toEqual([{ key: "k", value: 2 }]);
	});

	test("a new entry with an expiry replaces the expiry that the key had", async () => {
		const appData = temporaryAppData();
		const expiresAt = new Date(Date.now() + 2 * HOUR_MS);
		await appData.set({ key: "k", value: 1, expiresAt: new Date(Date.now() + HOUR_MS) });
		await appData.set({ key: "k", value: 2, expiresAt });
		expect(await appData.select("k")).toEqual([{ key: "k", value: 2, expiresAt, expires_at: expiresAt }]);
	});

	test("the value is taken at the moment of the call", async () => {
		const appData = temporaryAppData();
		const entry = { key: "k", value: { n: 1 } };
		const pending = appData.set(entry);
		entry.value.n = 2;
		entry.key = "other";
		await pending;
		expect(await appData.get("k")).toEqual({ n: 1 });
		expect(await appData.get("other")).toBeUndefined();
	});

	test("an overwritten key keeps its place, and one that was deleted comes last", async () => {
		const appData = temporaryAppData();
		for (const key of ["a", "b", "c"]) await appData.set({ key, value: 1 });
		await appData.set({ key: "a", value: 2 });
		expect(await keysOf(appData)).toEqual(["a", "b", "c"]);
		await appData.delete("a");
		await appData.set({ key: "a", value: 3 });
		expect(await keysOf(appData)).toEqual(["b", "c", "a"]);
	});
});

describe("an array", () => {
	test("an empty array resolves and does nothing", async () => {
		const appData = temporaryAppData();
		await appData.set({ key: "k", value: 1 });
		expect(await appData.set([])).toBeUndefined();
		expect(await keysOf(appData)).toEqual(["k"]);
	});

	test("an array of 20,000 entries is written, in its order", async () => {
		const appData = temporaryAppData();
		const entries = Array.from({ length: 20_000 }, (_, i) => ({ key: `k${i}`, value: i }));
		await appData.set(entries);
		expect(await appData.select("k%")).toEqual(entries);
	}, 300_000);

	test("of equal keys in an array the last wins, expiry included", async () => {
		const appData = temporaryAppData();
		await appData.set([
			{ key: "k", value: 1, expiresAt: new Date(Date.now() + HOUR_MS) },
			{ key: "other", value: 0 },
			{ key: "k", value: 2 },
		]);
		expect(await appData.select("%")).toEqual([
			{ key: "k", value: 2 },
			{ key: "other", value: 0 },
		]);
	});

	test("an array with one bad entry among 20,000 writes none of them", async () => {
		const appData = temporaryAppData();
		await appData.set({ key: "k0", value: "before" });
		const entries = Array.from({ length: 20_000 }, (_, i) => ({ key: `k${i}`, value: i }));
		entries[19_999] = { key: "k19999", value: undefined };
		await expectInvalidArgument(() => appData.set(entries), "values[19999].value");
		expect(await appData.select("%")).toEqual([{ key: "k0", value: "before" }]);
	}, 300_000);
});

describe("values", () => {
	const unwritable = [
		["undefined", undefined],
		["a function", () => SECRET],
		["a symbol", Symbol(SECRET)],
		["an object whose toJSON returns undefined", { secret: SECRET, toJSON: () => undefined }],
	];

	for (const [name, value] of unwritable) {
		test(`${name} as a value is a TypeError, and nothing is written`, async () => {
			const appData = temporaryAppData();
			await appData.set({ key: "k", value: "before" });
			await expectInvalidArgument(() => appData.set({ key: "k", value }), "values.value");
			await expectInvalidArgument(
				() =>
					appData.set([
						{ key: "a", value: 1 },
						{ key: "k", value },
					]),
				"values[1].value",
			);
			expect(await appData.select("%")).toEqual([{ key: "k", value: "before" }]);
		});
	}

	test("a circular value is a TypeError, and nothing is written", async () => {
		const appData = temporaryAppData();
		const value = { password: SECRET, inner: {} };
		value.inner.self = value;
		await expectInvalidArgument(() => appData.set({ key: "k", value }), "values.value");
		expect(await keysOf(appData)).toEqual([]);
	});

	class Point {
		#x = 3;
		toJSON(key) {
			return { x: this.#x, key };
		}
	}

	const written = [
		["NaN", Number.NaN],
		["infinity", Number.NEGATIVE_INFINITY],
		["minus zero", -0],
		["null", null],
		["false", false],
		["the empty string", ""],
		["a Date", new Date(1234)],
		["an invalid Date", new Date(Number.NaN)],
		["a class with toJSON", new Point()],
		["a Map", new Map([["a", 1]])],
		["a Set", new Set([1])],
		["a typed array", new Uint8Array([1, 2])],
		["a Buffer", Buffer.from("hi")],
		["a boxed string", Object("boxed")],
		["undefined inside", { a: undefined, b: [undefined, () => 1, Symbol("s")] }],
		["an array with a hole", [1, , 3]],
		["text with quotes, line breaks, NUL and emoji", 'a"b\\c\n\r\u2028\0\u{1f980}'],
		["a lone surrogate", "\ud800"],
		["a __proto__ of its own", JSON.parse('{"__proto__":{"a":1},"b":2}')],
		["numbers at the edge", [1e308, 5e-324, 2 ** 53, -(2 ** 53), 0.1]],
		["deep nesting", JSON.parse(`${"[".repeat(2_000)}${"]".repeat(2_000)}`)],
	];

	for (const [name, value] of written) {
		test(`${name} is stored as JSON.stringify has it`, async () => {
			const filename = temporaryFile();
			const { appData } = temporaryStore(filename);
			await appData.set({ key: "k", value });
			const text = JSON.stringify(value);
			expect(JSON.stringify(await appData.get("k"))).toBe(text);
			expect(JSON.stringify(await appData.select("%"))).toBe(`[{"key":"k","value":${text}}]`);
			expect(JSON.stringify(await appData.selectValue("%"))).toBe(`[${text}]`);
			expect(await rawRows(filename)).toEqual([{ key: "k", community_id: null, value: text, expires_at: null }]);
		});
	}

	test("a BigInt becomes its decimal string, at the top and inside", async () => {
		const appData = temporaryAppData();
		await appData.set([
			{ key: "top", value: -12345678901234567890n },
			{ key: "inside", value: { a: [1n], o: Object(7n) } },
		]);
		expect(await appData.get("top")).toBe("-12345678901234567890");
		expect(await appData.get("inside")).toEqual({ a: ["1"], o: "7" });
		expect("toJSON" in BigInt.prototype).toBe(false);
		expect(() => JSON.stringify(1n)).toThrow(TypeError);
	});

	test("a BigInt is a decimal string where the bot itself gave BigInt a toJSON", async () => {
		const appData = temporaryAppData();
		BigInt.prototype.toJSON = function toJSON() {
			return this.toString();
		};
		try {
			await appData.set({ key: "k", value: { n: 5n } });
		} finally {
			delete BigInt.prototype.toJSON;
		}
		expect(await appData.get("k")).toEqual({ n: "5" });
	});
});

describe("keys", () => {
	const keys = [
		["the empty string", ""],
		["one with a NUL inside", "a\0b"],
		["a NUL alone", "\0"],
		["an emoji", "\u{1f980}"],
		["a combining sequence", "e\u0301"],
		["one with quotes and semicolons", "'; drop table __rootapp_kv; --"],
		["one with wildcards", "%_\\"],
		["one of 100,000 characters", "x".repeat(100_000)],
		["one of 100,000 emoji", "\u{1f980}".repeat(100_000)],
		["the last code point", "\u{10ffff}\uffff"],
		["__proto__", "__proto__"],
		["constructor", "constructor"],
	];

	for (const [name, key] of keys) {
		test(`${name} works as a key in every operation`, async () => {
			const appData = temporaryAppData();
			await appData.set({ key, value: 1 });
			expect(await appData.get(key)).toBe(1);
			expect(await appData.select("%")).toEqual([{ key, value: 1 }]);
			expect(await appData.update(key, (n) => n + 1, 0)).toBe(2);
			await appData.set({ key, value: 3 });
			expect(await appData.get(key)).toBe(3);
			expect(await appData.selectValue("%")).toEqual([3]);
			await appData.delete(key);
			expect(await appData.get(key)).toBeUndefined();
			expect(await keysOf(appData)).toEqual([]);
		});
	}

	test("keys that differ after a NUL, in case or in normalisation are different keys", async () => {
		const appData = temporaryAppData();
		const different = ["a", "a\0", "a\0b", "A", "\u00e9", "e\u0301", "", " "];
		await appData.set(different.map((key, value) => ({ key, value })));
		for (const [value, key] of different.entries()) expect(await appData.get(key)).toBe(value);
		await appData.delete("a\0");
		expect(await appData.selectValue("%")).toEqual([0, 2, 3, 4, 5, 6, 7]);
	});

	test("a number as a key is its decimal string", async () => {
		const appData = temporaryAppData();
		await appData.set({ key: 42, value: "a" });
		await appData.set([{ key: -1.5, value: "b" }]);
		expect(await appData.get("42")).toBe("a");
		expect(await appData.get(42)).toBe("a");
		expect(await appData.get("-1.5")).toBe("b");
		expect(await appData.update(42, (value) => `${value}!`, "")).toBe("a!");
		expect(await keysOf(appData)).toEqual(["42", "-1.5"]);
		await appData.delete(42);
		expect(await keysOf(appData)).toEqual(["-1.5"]);
	});
});

describe("the file", () => {
	test("its table and index are the SDK's, and own objects carry the package's prefix", async () => {
		const filename = temporaryFile();
		const store = temporaryStore(filename);
		await store.appData.set({ key: "k", value: 1 });
		await store.close();
		const objects = await raw(filename, "select name, sql from sqlite_schema where name not like 'sqlite_%'");
		const sdk = objects.filter(({ name }) => !name.startsWith("__rootcellar_"));
		const plain = (sql) =>
			sql
				.replace(/[`"]/g, "")
				.replace(/\s+/g, " ")
				.replace(/ ?([(),]) ?/g, "$1")
				.toLowerCase();
		expect(sdk.map(({ sql }) => plain(sql)).sort()).toEqual(SDK_SCHEMA.map(plain).sort());
	});

	test("a row holds JSON text, whole milliseconds or NULL, and NULL for the default scope", async () => {
		const filename = temporaryFile();
		const { appData } = temporaryStore(filename);
		await appData.set([
			{ key: "a", value: { n: 1 } },
			{ key: "b", value: "text", expiresAt: new Date(4_000_000_000_000), communityId: "C" },
		]);
		const rows = await raw(
			filename,
			"select *, typeof(key) k, typeof(value) v, typeof(expires_at) e from __rootapp_kv order by rowid",
		);
		expect(rows).toEqual([
			{ key: "a", community_id: null, value: '{"n":1}', expires_at: null, k: "text", v: "text", e: "null" },
			{
				key: "b",
				community_id: "C",
				value: '"text"',
				expires_at: 4_000_000_000_000,
				k: "text",
				v: "text",
				e: "integer",
			},
		]);
	});
});
