// `get` and `delete`. See ../cases.mjs.

export default [
	{
		name: "get of a missing key is undefined",
		run: (store) => store.get("missing"),
		both: undefined,
	},
	{
		name: "delete removes a key, and a missing key is no error",
		run: async (store) => {
			await store.set({ key: "a", value: 1 });
			return [await store.delete("a"), await store.get("a"), await store.delete("a")];
		},
		both: [undefined, undefined, undefined],
	},
	{
		name: "delete takes the key as it is, not as a pattern",
		run: async (store) => {
			await store.set([
				{ key: "ab", value: 1 },
				{ key: "a%", value: 2 },
			]);
			await store.delete("a%");
			return [await store.get("ab"), await store.get("a%")];
		},
		both: [1, undefined],
	},
	{
		name: "delete of a key that was set twice removes it",
		run: async (store) => {
			await store.set({ key: "a", value: 1 });
			await store.set({ key: "a", value: 2 });
			await store.delete("a");
			return [await store.get("a"), await store.selectValue("%")];
		},
		both: [undefined, []],
	},
	{
		name: "a key can be set again after it was deleted",
		run: async (store) => {
			await store.set({ key: "a", value: 1 });
			await store.delete("a");
			await store.set({ key: "a", value: 2 });
			return [await store.get("a"), await store.selectValue("%")];
		},
		both: [2, [2]],
	},
];
