// Values, and what comes back for them. See ../cases.mjs.

import { badArgument, ended, errorClass } from "../outcomes.mjs";

function circular() {
	const value = {};
	value.itself = value;
	return value;
}

export default [
	...[
		["undefined", undefined],
		["a function", () => 1],
		["a symbol", Symbol("value")],
	].map(([what, value]) => ({
		name: `${what} as a value is a TypeError and stores nothing, where the SDK rejects with the SQL text`,
		run: async (store) => [await ended(() => store.set({ key: "a", value })), await store.get("a")],
		sdk: ["Error SQLITE_CONSTRAINT", undefined],
		rootcellar: [badArgument("values.value"), undefined],
	})),
	{
		name: "a circular value is a TypeError and stores nothing",
		run: async (store) => [await errorClass(() => store.set({ key: "a", value: circular() })), await store.get("a")],
		both: ["TypeError", undefined],
	},
	{
		name: "NaN, Date, toJSON, Map, Set, undefined members and holes are stored as JSON.stringify has them",
		run: async (store) => {
			const value = {
				nan: NaN,
				infinity: -Infinity,
				minusZero: -0,
				date: new Date(0),
				custom: { toJSON: (key) => `custom ${key}` },
				map: new Map([[1, 2]]),
				set: new Set([1]),
				bytes: new Uint8Array([7]),
				absent: undefined,
				list: [undefined, , () => 1],
				[Symbol("key")]: 1,
			};
			await store.set({ key: "a", value });
			const stored = await store.get("a");
			return [stored, JSON.stringify(stored) === JSON.stringify(JSON.parse(JSON.stringify(value)))];
		},
		both: [
			{
				nan: null,
				infinity: null,
				minusZero: 0,
				date: "1970-01-01T00:00:00.000Z",
				custom: "custom custom",
				map: {},
				set: {},
				bytes: { 0: 7 },
				list: [null, null, null],
			},
			true,
		],
	},
	{
		name: "an invalid Date and NaN as the value itself are stored as null, and null is a value",
		run: async (store) => {
			await store.set([
				{ key: "date", value: new Date(NaN) },
				{ key: "nan", value: NaN },
				{ key: "null", value: null },
			]);
			return [await store.get("date"), await store.get("nan"), await store.get("null")];
		},
		both: [null, null, null],
	},
	{
		name: "a BigInt is stored as its decimal string",
		run: async (store) => {
			await store.set([
				{ key: "top", value: 12345678901234567890n },
				{ key: "nested", value: { list: [-1n] } },
			]);
			return [await store.get("top"), await store.get("nested")];
		},
		both: ["12345678901234567890", { list: ["-1"] }],
	},
	{
		name: "a BigInt that update returns is stored as its decimal string",
		run: async (store) => {
			await store.update("a", () => ({ n: 5n }), {});
			return store.get("a");
		},
		both: { n: "5" },
	},
	{
		name: "BigInt.prototype is left alone, where the SDK patches it",
		run: () => typeof BigInt.prototype.toJSON,
		sdk: "function",
		rootcellar: "undefined",
	},
	{
		name: "a getter that throws rejects, and nothing is stored",
		run: async (store) => [
			(await errorClass(() =>
				store.set({
					key: "a",
					value: {
						get broken() {
							throw new RangeError("broken");
						},
					},
				}),
			)) !== "resolved",
			await store.get("a"),
		],
		both: [true, undefined],
	},
	{
		name: "text with NUL, lone surrogates and characters beyond the BMP comes back as it was",
		run: async (store) => {
			await store.set({ key: "a", value: "\0 \ud800 \udc00 \u{1F600} \u2028 \u00e9 \\ \" '" });
			return store.get("a");
		},
		both: "\0 \ud800 \udc00 \u{1F600} \u2028 \u00e9 \\ \" '",
	},
	{
		name: "an object with the key __proto__ comes back with it, and no prototype is changed",
		run: async (store) => {
			await store.set({ key: "a", value: JSON.parse('{"__proto__":{"polluted":true}}') });
			const value = await store.get("a");
			return [Object.keys(value), value.polluted];
		},
		both: [["__proto__"], undefined],
	},
	{
		name: "a value of 16 MB comes back whole",
		run: async (store) => {
			const value = "0123456789abcdef".repeat(1_000_000);
			await store.set({ key: "a", value });
			return (await store.get("a")) === value;
		},
		both: true,
	},
	{
		name: "every get returns an object of its own",
		run: async (store) => {
			await store.set({ key: "a", value: { n: 1 } });
			const first = await store.get("a");
			first.n = 2;
			return store.get("a");
		},
		both: { n: 1 },
	},
];
