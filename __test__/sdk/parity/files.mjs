// Rows that the two stores must leave in the file for what was written through them.

const LATER_MS = 4_102_444_800_000;
const PAST_MS = 1_000_000_000_000;

const text = (key, value, rest) => ({
	key,
	key_type: "text",
	community_id: null,
	community_type: "null",
	value,
	value_type: "text",
	expires_at: null,
	expires_type: "null",
	...rest,
});

const expiring = (milliseconds) => ({ expires_at: milliseconds, expires_type: "integer" });

/** `both`, or `sdk` and `rootcellar`: the rows that `write` leaves under `key`. */
export const samples = [
	{
		name: "a value is JSON text, as JSON.stringify writes it",
		key: "json",
		write: (store, key) => store.set({ key, value: { b: [1, 1.5, 1e21, true, null], a: "\u00e9\u{1F600}" } }),
		both: [text("json", '{"b":[1,1.5,1e+21,true,null],"a":"\u00e9\u{1F600}"}')],
	},
	{
		name: "a string is JSON text with its quotes, NUL and lone surrogates escaped",
		key: "string",
		write: (store, key) => store.set({ key, value: 'a"\\\0\ud800' }),
		both: [text("string", '"a\\"\\\\\\u0000\\ud800"')],
	},
	{
		name: "a number as a value is text, not an integer",
		key: "number",
		write: (store, key) => store.set({ key, value: 7 }),
		both: [text("number", "7")],
	},
	{
		name: "null as a value is the text null",
		key: "null",
		write: (store, key) => store.set({ key, value: null }),
		both: [text("null", "null")],
	},
	{
		name: "a BigInt is a JSON string",
		key: "bigint",
		write: (store, key) => store.set({ key, value: 5n }),
		both: [text("bigint", '"5"')],
	},
	{
		name: "a number as a key is text",
		key: "42",
		write: (store) => store.set({ key: 42, value: 1 }),
		both: [text("42", "1")],
	},
	{
		name: "a Date as an expiry is an integer of milliseconds",
		key: "date",
		write: (store, key) => store.set({ key, value: 1, expires_at: new Date(LATER_MS) }),
		both: [text("date", "1", expiring(LATER_MS))],
	},
	{
		name: "a number as an expiry is an integer of milliseconds",
		key: "milliseconds",
		write: (store, key) => store.set({ key, value: 1, expires_at: LATER_MS }),
		both: [text("milliseconds", "1", expiring(LATER_MS))],
	},
	{
		name: "expiresAt is stored as an expiry, where the SDK drops it",
		key: "camel",
		write: (store, key) => store.set({ key, value: 1, expiresAt: new Date(LATER_MS) }),
		sdk: [text("camel", "1")],
		rootcellar: [text("camel", "1", expiring(LATER_MS))],
	},
	{
		name: "an array is a row per entry, with the community's name in it",
		key: "shared",
		write: (store, key) =>
			store.set([
				{ key, value: "default" },
				{ key, value: "north", communityId: "north", expires_at: LATER_MS },
			]),
		both: [
			text("shared", '"default"'),
			text("shared", '"north"', { community_id: "north", community_type: "text", ...expiring(LATER_MS) }),
		],
	},
	{
		name: "a number as the community is text, the empty string NULL",
		key: "scopes",
		write: (store, key) =>
			store.set([
				{ key, value: 1, communityId: "" },
				{ key, value: 2, communityId: 7 },
			]),
		both: [text("scopes", "1"), text("scopes", "2", { community_id: "7", community_type: "text" })],
	},
	{
		name: "update stores the row of a missing key",
		key: "updated",
		write: (store, key) => store.update(key, (n) => n + 1, 0, new Date(LATER_MS)),
		both: [text("updated", "1", expiring(LATER_MS))],
	},
	{
		name: "update keeps the expiry of a live row",
		key: "kept",
		write: async (store, key) => {
			await store.set({ key, value: 1, expires_at: LATER_MS });
			await store.update(key, (n) => n + 1, 0);
		},
		both: [text("kept", "2", expiring(LATER_MS))],
	},
	{
		name: "set on an existing key leaves one row, where the SDK leaves two",
		key: "twice",
		write: async (store, key) => {
			await store.set({ key, value: 1, expires_at: LATER_MS });
			await store.set({ key, value: 2 });
		},
		sdk: [text("twice", "1", expiring(LATER_MS)), text("twice", "2")],
		rootcellar: [text("twice", "2")],
	},
	{
		name: "update of an expired key leaves one row without its expiry, where the SDK leaves two",
		key: "expired",
		write: async (store, key) => {
			await store.set({ key, value: 1, expires_at: PAST_MS });
			await store.update(key, (n) => n + 1, 0);
		},
		sdk: [text("expired", "1", expiring(PAST_MS)), text("expired", "1")],
		rootcellar: [text("expired", "1")],
	},
	{
		name: "a deleted key leaves no row",
		key: "deleted",
		write: async (store, key) => {
			await store.set({ key, value: 1 });
			await store.delete(key);
		},
		both: [],
	},
];

export async function writeSamples(store) {
	for (const { write, key } of samples) await write(store, key);
}
