// Expiry; that of `set` on an existing key and of `update` is in their files. See ../cases.mjs.

import { badArgument, ended, LATER, PAST, pastSoon, soon } from "../outcomes.mjs";

export default [
	{
		name: "an expired key is missing from get, select and selectValue",
		run: async (store) => {
			await store.set({ key: "a", value: 1, expires_at: PAST });
			return [await store.get("a"), await store.select("%"), await store.selectValue("%")];
		},
		both: [undefined, [], []],
	},
	{
		name: "a key expires while the bot runs",
		run: async (store) => {
			await store.set({ key: "a", value: 1, expires_at: soon() });
			const before = [await store.get("a"), await store.selectValue("%")];
			await pastSoon();
			return [before, await store.get("a"), await store.selectValue("%")];
		},
		both: [[1, [1]], undefined, []],
	},
	{
		name: "an expiry as a number is milliseconds since 1970",
		run: async (store) => {
			await store.set([
				{ key: "past", value: 1, expires_at: PAST.getTime() },
				{ key: "later", value: 2, expires_at: LATER.getTime() },
			]);
			return store.selectValue("%");
		},
		both: [2],
	},
	{
		name: "an expiry of 1970 and before has passed",
		run: async (store) => {
			await store.set([
				{ key: "epoch", value: 1, expires_at: new Date(0) },
				{ key: "before", value: 2, expires_at: new Date(-1000) },
			]);
			return store.selectValue("%");
		},
		both: [],
	},
	{
		name: "expiresAt is an expiry too, where the SDK ignores it",
		run: async (store) => {
			await store.set({ key: "a", value: 1, expiresAt: PAST });
			return store.get("a");
		},
		sdk: 1,
		rootcellar: undefined,
	},
	{
		name: "undefined and null as an expiry are none",
		run: async (store) => {
			await store.set([
				{ key: "a", value: 1, expires_at: undefined },
				{ key: "b", value: 1, expires_at: null },
			]);
			const updated = await store.update("a", (n) => n + 1, 0, undefined);
			return [updated, await store.get("a"), await store.get("b")];
		},
		both: [2, 2, 1],
	},
	{
		name: "an invalid date or text as an expiry is a TypeError, where the SDK stores an entry for ever",
		run: async (store) => [
			await ended(() => store.set({ key: "a", value: 1, expires_at: new Date(NaN) })),
			await ended(() => store.set({ key: "b", value: 1, expires_at: "1999-01-01" })),
			await ended(() => store.update("c", (n) => n, 1, new Date(NaN))),
			await store.get("a"),
			await store.get("b"),
			await store.get("c"),
		],
		sdk: ["resolved", "resolved", "resolved", 1, 1, 1],
		rootcellar: [
			badArgument("values.expires_at"),
			badArgument("values.expires_at"),
			badArgument("expiresAt"),
			undefined,
			undefined,
			undefined,
		],
	},
];
