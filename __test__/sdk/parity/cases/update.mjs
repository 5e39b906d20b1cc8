// `update`. See ../cases.mjs.

import { badArgument, ended, errorClass, LATER, PAST, pastSoon, soon } from "../outcomes.mjs";

export default [
	{
		name: "200 concurrent increments give 200",
		run: async (store) => {
			const results = await Promise.all(
				Array.from({ length: 200 }, () => store.update("count", (count) => count + 1, 0)),
			);
			return [await store.get("count"), new Set(results).size, Math.max(...results)];
		},
		both: [200, 200, 200],
	},
	{
		name: "update of a missing key starts from the default",
		run: async (store) => [await store.update("a", (list) => [...list, 1], []), await store.get("a")],
		both: [[1], [1]],
	},
	{
		name: "update gets the stored value, null included, rather than the default",
		run: async (store) => {
			await store.set({ key: "a", value: null });
			return store.update("a", (value) => ({ got: value }), "default");
		},
		both: { got: null },
	},
	{
		name: "update resolves with the very object that the function returned",
		run: async (store) => {
			const returned = { date: new Date(0) };
			return (await store.update("a", () => returned, {})) === returned;
		},
		both: true,
	},
	{
		name: "the function gets a copy of the default through JSON, where the SDK hands over the default itself",
		run: async (store) => {
			const given = { date: new Date(0) };
			let got;
			await store.update(
				"a",
				(value) => {
					got = value;
					return 1;
				},
				given,
			);
			return [got === given, typeof got.date];
		},
		sdk: [true, "object"],
		rootcellar: [false, "string"],
	},
	{
		name: "update of an expired key starts from the default and leaves one row, where the SDK inserts a second",
		run: async (store) => {
			await store.set({ key: "a", value: 10, expires_at: PAST });
			const first = await store.update("a", (n) => n + 1, 0);
			const second = await store.update("a", (n) => n + 1, 0);
			return [first, second, await store.get("a"), await store.selectValue("a")];
		},
		sdk: [1, 2, 2, [2, 2]],
		rootcellar: [1, 2, 2, [2]],
	},
	{
		name: "update without an expiry keeps the one that the key has",
		run: async (store) => {
			await store.set({ key: "a", value: 1, expires_at: soon() });
			const updated = await store.update("a", (n) => n + 1, 0);
			const before = await store.get("a");
			await pastSoon();
			return [updated, before, await store.get("a")];
		},
		both: [2, 2, undefined],
	},
	{
		name: "update with an expiry replaces the one that the key has",
		run: async (store) => {
			await store.set({ key: "a", value: 1, expires_at: soon() });
			await store.set({ key: "b", value: 1, expires_at: LATER });
			await store.update("a", (n) => n + 1, 0, LATER);
			await store.update("b", (n) => n + 1, 0, soon());
			await pastSoon();
			return [await store.get("a"), await store.get("b")];
		},
		both: [2, undefined],
	},
	{
		name: "update with null as an expiry removes the one that the key has, as set does, where the SDK keeps it",
		run: async (store) => {
			await store.set({ key: "a", value: 1, expires_at: soon() });
			await store.update("a", (n) => n + 1, 0, null);
			await pastSoon();
			return store.get("a");
		},
		sdk: undefined,
		rootcellar: 2,
	},
	{
		name: "update of a missing key with an expiry stores it",
		run: async (store) => {
			const updated = await store.update("a", (n) => n + 1, 0, soon());
			await pastSoon();
			return [updated, await store.get("a")];
		},
		both: [1, undefined],
	},
	{
		name: "what the function throws is what update rejects with, and nothing changes",
		run: async (store) => {
			await store.set({ key: "a", value: 1 });
			const thrown = new RangeError("from the function");
			const fail = () => {
				throw thrown;
			};
			const caught = (promise) =>
				promise.then(
					() => undefined,
					(error) => error === thrown,
				);
			return [
				await caught(store.update("a", fail, 0)),
				await caught(store.update("b", fail, 0)),
				await store.get("a"),
				await store.get("b"),
			];
		},
		both: [true, true, 1, undefined],
	},
	{
		name: "undefined from the function is a TypeError, where the SDK resolves for a key that exists",
		run: async (store) => {
			await store.set({ key: "a", value: 1 });
			return [
				await ended(() => store.update("a", () => undefined, 0)),
				await ended(() => store.update("b", () => undefined, 0)),
				await store.get("a"),
				await store.get("b"),
			];
		},
		sdk: ["resolved", "Error SQLITE_CONSTRAINT", 1, undefined],
		rootcellar: [badArgument("updateFunc"), badArgument("updateFunc"), 1, undefined],
	},
	{
		name: "a promise from the function is a TypeError and changes nothing, where the SDK stores {}",
		run: async (store) => {
			await store.set({ key: "a", value: 1 });
			return [await ended(() => store.update("a", async (n) => n + 1, 0)), await store.get("a")];
		},
		sdk: ["resolved", {}],
		rootcellar: [badArgument("updateFunc"), 1],
	},
	{
		name: "anything but a function as updateFunc is a TypeError",
		run: async (store) => {
			await store.set({ key: "a", value: 1 });
			return [
				await errorClass(() => store.update("a", 5, 1)),
				await errorClass(() => store.update("a")),
				await errorClass(() => store.update("missing", null, 1)),
				await store.get("a"),
			];
		},
		both: ["TypeError", "TypeError", "TypeError", 1],
	},
];
