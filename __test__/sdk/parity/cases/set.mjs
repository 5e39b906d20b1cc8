// `set` on new and existing keys, arrays, and what is no entry. See ../cases.mjs.

import { badArgument, ended, errorClass, pastSoon, soon } from "../outcomes.mjs";

const entries = (count) => Array.from({ length: count }, (_, index) => ({ key: `entry:${index}`, value: index }));

export default [
	{
		name: "a set key is read back",
		run: async (store) => [await store.set({ key: "a", value: { n: 1, list: [null, "x"] } }), await store.get("a")],
		both: [undefined, { n: 1, list: [null, "x"] }],
	},
	{
		name: "set on an existing key overwrites, where the SDK adds a row and keeps returning the old value",
		run: async (store) => {
			await store.set({ key: "a", value: "old" });
			await store.set({ key: "a", value: "new" });
			return [await store.get("a"), await store.selectValue("a")];
		},
		sdk: ["old", ["old", "new"]],
		rootcellar: ["new", ["new"]],
	},
	{
		name: "set without an expiry removes the one the key had",
		run: async (store) => {
			await store.set({ key: "a", value: "old", expires_at: soon() });
			await store.set({ key: "a", value: "new" });
			const before = await store.get("a");
			await pastSoon();
			return [before, await store.get("a")];
		},
		sdk: ["old", "new"],
		rootcellar: ["new", "new"],
	},
	{
		name: "set with an expiry replaces the value that had none",
		run: async (store) => {
			await store.set({ key: "a", value: "old" });
			await store.set({ key: "a", value: "new", expires_at: soon() });
			const before = await store.get("a");
			await pastSoon();
			return [before, await store.get("a")];
		},
		sdk: ["old", "old"],
		rootcellar: ["new", undefined],
	},
	{
		name: "an array is stored whole",
		run: async (store) => {
			await store.set(entries(3));
			return store.selectValue("entry:%");
		},
		both: [0, 1, 2],
	},
	{
		name: "an array of 500 entries is stored whole",
		run: async (store) => {
			await store.set(entries(500));
			return (await store.selectValue("entry:%")).length;
		},
		both: 500,
	},
	{
		name: "an array of 501 entries is stored whole, where the SDK rejects",
		run: async (store) => [await ended(() => store.set(entries(501))), (await store.selectValue("entry:%")).length],
		sdk: ["Error SQLITE_ERROR", 0],
		rootcellar: ["resolved", 501],
	},
	{
		name: "an array of 10,000 entries is stored whole, where the SDK rejects",
		run: async (store) => [await ended(() => store.set(entries(10_000))), (await store.selectValue("entry:%")).length],
		sdk: ["Error SQLITE_ERROR", 0],
		rootcellar: ["resolved", 10_000],
	},
	{
		name: "of equal keys in an array the last wins, where the SDK stores both",
		run: async (store) => {
			await store.set([
				{ key: "a", value: 1 },
				{ key: "b", value: 2 },
				{ key: "a", value: 3 },
			]);
			return [await store.get("a"), (await store.selectValue("%")).length];
		},
		sdk: [1, 3],
		rootcellar: [3, 2],
	},
	{
		name: "an array with one bad entry stores nothing, and the error names the entry",
		run: async (store) => [
			await ended(() =>
				store.set([
					{ key: "a", value: 1 },
					{ key: "b", value: undefined },
				]),
			),
			await store.get("a"),
		],
		sdk: ["Error SQLITE_CONSTRAINT", undefined],
		rootcellar: [badArgument("values[1].value"), undefined],
	},
	{
		name: "an empty array resolves, where the SDK rejects",
		run: (store) => ended(() => store.set([])),
		sdk: "Error",
		rootcellar: "resolved",
	},
	{
		name: "null and undefined instead of an entry are a TypeError",
		run: async (store) => [await errorClass(() => store.set(null)), await errorClass(() => store.set(undefined))],
		both: ["TypeError", "TypeError"],
	},
	{
		name: "null inside an array is a TypeError",
		run: (store) => errorClass(() => store.set([null])),
		both: "TypeError",
	},
	{
		name: "a number or a string instead of an entry is a TypeError, where the SDK rejects with the SQL text",
		run: async (store) => [await ended(() => store.set(5)), await ended(() => store.set("a"))],
		sdk: ["Error SQLITE_CONSTRAINT", "Error SQLITE_CONSTRAINT"],
		rootcellar: [badArgument("values"), badArgument("values")],
	},
	{
		name: "an entry without a key is a TypeError, where the SDK rejects with the SQL text",
		run: (store) => ended(() => store.set({ value: 1 })),
		sdk: "Error SQLITE_CONSTRAINT",
		rootcellar: badArgument("values.key"),
	},
	{
		name: "an array with a hole is a TypeError and stores nothing, where the SDK stores the rest",
		run: async (store) => [
			await ended(() => store.set([{ key: "a", value: 1 }, , { key: "b", value: 2 }])),
			await store.get("a"),
		],
		sdk: ["resolved", 1],
		rootcellar: [badArgument("values[1]"), undefined],
	},
	{
		name: "a frozen entry is stored",
		run: async (store) => {
			await store.set(Object.freeze({ key: "a", value: Object.freeze([1]) }));
			return store.get("a");
		},
		both: [1],
	},
];
