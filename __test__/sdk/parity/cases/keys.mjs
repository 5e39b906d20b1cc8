// Keys. See ../cases.mjs.

import { badArgument, ended, errorClass } from "../outcomes.mjs";

export default [
	...[
		["the empty string", ""],
		["NUL inside", "a\0b"],
		["an emoji", "\u{1F600}"],
		["quotes and a backslash", "'\"`\\"],
		["percent and underscore", "100%_"],
		["100,000 characters", "k".repeat(100_000)],
		["100,000 emoji", "\u{1F600}".repeat(100_000)],
	].map(([what, key]) => ({
		name: `a key of ${what} works with every method`,
		run: async (store) => {
			await store.set({ key, value: 1 });
			const updated = await store.update(key, (n) => n + 1, 0);
			const read = await store.get(key);
			await store.delete(key);
			return [updated, read, await store.get(key)];
		},
		both: [2, 2, undefined],
	})),
	{
		name: "a key with NUL inside is not its part before the NUL",
		run: async (store) => {
			await store.set({ key: "a\0b", value: 1 });
			return [await store.get("a"), await store.get("a\0c"), (await store.selectValue("a%")).length];
		},
		both: [undefined, undefined, 1],
	},
	{
		name: "keys are told apart by case, by normal form and by spaces at the end",
		run: async (store) => {
			await store.set(["a", "A", "a ", "\u00e9", "e\u0301"].map((key) => ({ key, value: key })));
			return [await store.get("a"), await store.get("A"), await store.get("a "), await store.get("e\u0301")];
		},
		both: ["a", "A", "a ", "e\u0301"],
	},
	{
		name: "a number as a key is its decimal string",
		run: async (store) => {
			await store.set([
				{ key: 7, value: "seven" },
				{ key: -1.5, value: "minus" },
				{ key: -0, value: "zero" },
				{ key: 2147483647, value: "large" },
			]);
			return [
				await store.get("7"),
				await store.get(7),
				await store.get("-1.5"),
				await store.get("0"),
				await store.get("2147483647"),
				await store.update(7, (value) => `${value}!`, ""),
				await store.delete(7),
				await store.get("7"),
			];
		},
		both: ["seven", "seven", "minus", "zero", "large", "seven!", undefined, undefined],
	},
	{
		name: "a number of 2^31 and more as a key is its decimal string, where the SDK adds .0 or rounds it",
		run: async (store) => {
			await store.set([
				{ key: 2147483648, value: "2^31" },
				{ key: Number.MAX_SAFE_INTEGER, value: "2^53-1" },
			]);
			return [
				await store.get("2147483648"),
				await store.get("2147483648.0"),
				await store.get("9007199254740991"),
				await store.get("9.00719925474099e+15"),
			];
		},
		sdk: [undefined, "2^31", undefined, "2^53-1"],
		rootcellar: ["2^31", undefined, "2^53-1", undefined],
	},
	{
		name: "null and undefined as the key of an entry are a TypeError, where the SDK rejects with the SQL text",
		run: async (store) => [
			await ended(() => store.set({ key: null, value: 1 })),
			await ended(() => store.set({ key: undefined, value: 1 })),
		],
		sdk: ["Error SQLITE_CONSTRAINT", "Error SQLITE_CONSTRAINT"],
		rootcellar: [badArgument("values.key"), badArgument("values.key")],
	},
	{
		name: "objects, booleans and Dates as a key are a TypeError, where the SDK resolves",
		run: async (store) => [
			await ended(() => store.set({ key: {}, value: 1 })),
			await ended(() => store.set({ key: ["a"], value: 1 })),
			await ended(() => store.set({ key: new Date(0), value: 1 })),
			await ended(() => store.set({ key: true, value: 1 })),
			await ended(() => store.set({ key: Infinity, value: 1 })),
		],
		sdk: ["resolved", "resolved", "resolved", "resolved", "resolved"],
		rootcellar: Array(5).fill(badArgument("values.key")),
	},
	{
		name: "a symbol or a BigInt as a key is a TypeError",
		run: async (store) => [
			await errorClass(() => store.set({ key: Symbol("a"), value: 1 })),
			await errorClass(() => store.set({ key: 5n, value: 1 })),
		],
		both: ["TypeError", "TypeError"],
	},
	{
		name: "null as a key is a TypeError of every method, where the SDK resolves",
		run: async (store) => [
			await ended(() => store.get(null)),
			await ended(() => store.delete(null)),
			await ended(() => store.select(null)),
		],
		sdk: ["resolved", "resolved", "resolved"],
		rootcellar: [badArgument("key"), badArgument("key"), badArgument("keyPattern")],
	},
	{
		name: "a missing key is a TypeError of every method, where the SDK rejects with the SQL text",
		run: async (store) => [
			await ended(() => store.get()),
			await ended(() => store.delete()),
			await ended(() => store.deleteLike()),
			await ended(() => store.select()),
			await ended(() => store.selectValue()),
		],
		sdk: Array(5).fill("Error"),
		rootcellar: [
			badArgument("key"),
			badArgument("key"),
			badArgument("keyPattern"),
			badArgument("keyPattern"),
			badArgument("keyPattern"),
		],
	},
	{
		name: "a key with a lone surrogate is a TypeError, where the SDK takes all of them for one key",
		run: async (store) => [
			await ended(() => store.set({ key: "\ud800", value: 1 })),
			await ended(() => store.get("\udc00")),
			await store.get("\ufffd"),
		],
		sdk: ["resolved", "resolved", 1],
		rootcellar: [badArgument("values.key"), badArgument("key"), undefined],
	},
];
