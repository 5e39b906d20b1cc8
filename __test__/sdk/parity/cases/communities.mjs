// The scope that the undocumented last argument names. See ../cases.mjs.

export default [
	{
		name: "a community's rows never show in another or in the default scope",
		run: async (store) => {
			await store.set([
				{ key: "a", value: "default" },
				{ key: "a", value: "north", communityId: "north" },
			]);
			return [
				await store.get("a"),
				await store.get("a", "north"),
				await store.get("a", "south"),
				await store.selectValue("%"),
				await store.selectValue("%", "north"),
				await store.selectValue("%", "south"),
			];
		},
		both: ["default", "north", undefined, ["default"], ["north"], []],
	},
	{
		name: "set on an existing key of a community overwrites",
		run: async (store) => {
			await store.set({ key: "a", value: 1, communityId: "north" });
			await store.set({ key: "a", value: 2, communityId: "north" });
			return [await store.get("a", "north"), await store.selectValue("%", "north")];
		},
		both: [2, [2]],
	},
	{
		name: "of equal keys of a community in an array the last wins",
		run: async (store) => {
			await store.set([
				{ key: "a", value: 1, communityId: "north" },
				{ key: "a", value: 2, communityId: "north" },
			]);
			return store.selectValue("%", "north");
		},
		both: [2],
	},
	{
		name: "update, delete and deleteLike touch their community alone",
		run: async (store) => {
			const scopes = [undefined, "north", "south"];
			for (const communityId of scopes) {
				await store.set([
					{ key: "a", value: 1, communityId },
					{ key: "b", value: 1, communityId },
				]);
			}
			const updated = await store.update("a", (n) => n + 1, 0, undefined, "north");
			await store.delete("b", "north");
			await store.deleteLike("%", "south");
			return [updated, ...(await Promise.all(scopes.map((scope) => store.selectValue("%", scope))))];
		},
		both: [2, [1, 1], [2], []],
	},
	{
		name: "null and the empty string as the community are the default scope",
		run: async (store) => {
			await store.set([
				{ key: "a", value: 1, communityId: null },
				{ key: "b", value: 2 },
			]);
			return [
				await store.get("a"),
				await store.get("b", null),
				await store.get("b", ""),
				await store.get("b", undefined),
			];
		},
		both: [1, 2, 2, 2],
	},
	{
		name: "a number as the community is its decimal string",
		run: async (store) => {
			await store.set({ key: "a", value: 1, communityId: 7 });
			return [await store.get("a", "7"), await store.get("a", 7), await store.get("a")];
		},
		both: [1, 1, undefined],
	},
];
