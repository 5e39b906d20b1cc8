// `select`, `selectValue`, `deleteLike` and their patterns. See ../cases.mjs.

import { LATER } from "../outcomes.mjs";

export default [
	{
		name: "select returns the keys, where the SDK leaves them out",
		run: async (store) => {
			await store.set({ key: "a", value: 1 });
			return store.select("a");
		},
		sdk: [{ value: 1 }],
		rootcellar: [{ key: "a", value: 1 }],
	},
	{
		name: "select returns an expiry under both names, where the SDK leaves it out",
		run: async (store) => {
			await store.set({ key: "a", value: 1, expires_at: LATER });
			return store.select("a");
		},
		sdk: [{ value: 1 }],
		rootcellar: [{ key: "a", value: 1, expiresAt: LATER, expires_at: LATER }],
	},
	{
		name: "select returns entries in the order in which the keys were first stored, where the SDK sorts by key",
		run: async (store) => {
			for (const key of ["m", "z", "b", "a", "Z"]) await store.set({ key, value: key });
			await store.update("z", (value) => value, "");
			return store.selectValue("%");
		},
		sdk: ["Z", "a", "b", "m", "z"],
		rootcellar: ["m", "z", "b", "a", "Z"],
	},
	{
		name: "the entries of an array are selected in its order, where the SDK sorts by key",
		run: async (store) => {
			await store.set(["c", "a", "b"].map((key) => ({ key, value: key })));
			return store.selectValue("%");
		},
		sdk: ["a", "b", "c"],
		rootcellar: ["c", "a", "b"],
	},
	{
		name: "a pattern that matches nothing selects nothing",
		run: async (store) => [await store.select("nothing%"), await store.selectValue("nothing%")],
		both: [[], []],
	},
	...[
		["the percent sign matches any run of characters, also none", "x%", ["x", "xa", "xaa", "xb"]],
		["the percent sign matches in the middle and at the beginning", "%a%", ["xa", "xaa"]],
		["the underscore matches exactly one character", "x_", ["xa", "xb"]],
		["a pattern without wildcards matches the key itself", "xa", ["xa"]],
		["an empty pattern matches the empty key alone", "", [""]],
	].map(([name, pattern, expected]) => ({
		name,
		run: async (store) => {
			await store.set(["", "x", "xa", "xaa", "xb"].map((key) => ({ key, value: key })));
			return store.selectValue(pattern);
		},
		both: expected,
	})),
	{
		name: "ASCII letters match either case, other letters only themselves",
		run: async (store) => {
			await store.set(["A", "a", "\u00c9", "\u00e9"].map((key) => ({ key, value: key })));
			return [await store.selectValue("a"), await store.selectValue("A%"), await store.selectValue("\u00e9")];
		},
		both: [["A", "a"], ["A", "a"], ["\u00e9"]],
	},
	{
		name: "the underscore matches one character, whatever its length in bytes or UTF-16 units",
		run: async (store) => {
			await store.set(["x\u00e9", "x\u{1F600}", "xab"].map((key) => ({ key, value: key })));
			return (await store.selectValue("x_")).sort();
		},
		both: ["x\u00e9", "x\u{1F600}"],
	},
	{
		name: "wildcards of other languages, brackets, stars and question marks, are themselves",
		run: async (store) => {
			await store.set(["*", "?", "[ab]", "a"].map((key) => ({ key, value: key })));
			return [await store.selectValue("*"), await store.selectValue("?"), await store.selectValue("[ab]")];
		},
		both: [["*"], ["?"], ["[ab]"]],
	},
	{
		name: "an escaped percent sign, underscore or backslash matches itself, where the SDK ignores the escape",
		run: async (store) => {
			await store.set(["p%1", "px1", "p_2", "px2", "p\\3", "px3"].map((key) => ({ key, value: key })));
			return [await store.selectValue("p\\%1"), await store.selectValue("p\\_2"), await store.selectValue("p\\\\3")];
		},
		sdk: [[], [], []],
		rootcellar: [["p%1"], ["p_2"], ["p\\3"]],
	},
	{
		name: "a backslash before anything else is a backslash",
		run: async (store) => {
			await store.set(["p\\x", "px", "p\\"].map((key) => ({ key, value: key })));
			return [await store.selectValue("p\\x"), await store.selectValue("p\\")];
		},
		both: [["p\\x"], ["p\\"]],
	},
	{
		name: "deleteLike removes what matches and nothing else, and no match is no error",
		run: async (store) => {
			await store.set(["a1", "A2", "b1"].map((key) => ({ key, value: key })));
			return [await store.deleteLike("a%"), await store.selectValue("%"), await store.deleteLike("a%")];
		},
		both: [undefined, ["b1"], undefined],
	},
	{
		name: "deleteLike honours an escape, where the SDK ignores it",
		run: async (store) => {
			await store.set(["a_b", "axb"].map((key) => ({ key, value: key })));
			await store.deleteLike("a\\_b");
			return (await store.selectValue("%")).sort();
		},
		sdk: ["a_b", "axb"],
		rootcellar: ["axb"],
	},
	{
		name: "selected values are objects of their own",
		run: async (store) => {
			await store.set({ key: "a", value: { n: 1 } });
			const [entry] = await store.select("a");
			entry.value.n = 2;
			return store.selectValue("a");
		},
		both: [{ n: 1 }],
	},
];
