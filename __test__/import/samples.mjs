// Samples that make.mjs stores with each library, and their expected import: the source and the path that a user would give,
// the lines that `export` then writes, and the kinds of values that JSON could not hold, by key.

/** An expiry far ahead: the files are kept. */
export const EXPIRES_AT = Date.UTC(2200, 0, 1);

const later = { expiresAt: new Date(EXPIRES_AT).toISOString() };
const ann = { name: "Ann", tags: ["a", 1, null] };
const member = { name: "Ann", tags: ["a", 1, null, true] };

const quickDb9 = [
	{ key: "user", value: { ...ann, level: 3 } },
	{ key: "text", value: '"quoted"' },
	{ key: "digits", value: "123" },
	{ key: "flag", value: false },
	{ key: "User", value: "another case" },
	{ key: "coins", value: 42 },
	{ key: "list", value: ["first"] },
	{ key: "guilds:1", value: { prefix: "!" } },
];

const enmap5 = [
	{ key: "users:1", value: member },
	{ key: "users:2", value: "plain </script> \u2028" },
	{ key: "users:3", value: { t: 1, v: "x" } },
];

const autonum = ["the counter of autonum of users is not imported"];

const special = [
	{ key: "special:date", value: { at: "1970-01-01T00:00:00.000Z" } },
	{ key: "special:undefined", value: { list: [null, 1] } },
	{ key: "special:bigint", value: "123456789012345678901234567890" },
	{ key: "special:regexp", value: '/a"b\\/[c]/gi' },
	{ key: "special:map", value: { a: "1970-01-01T00:00:00.000Z" } },
	{ key: "special:pairs", value: [[1, "a"]] },
	{ key: "special:set", value: [1, "b", [2]] },
	{ key: "special:infinity", value: ["Infinity", "-Infinity"] },
	{ key: "special:deep", value: { a: [{ m: [{ b: "1" }] }] } },
];

const specialKinds = {
	"special:date": ["date"],
	"special:undefined": ["undefined"],
	"special:bigint": ["bigint"],
	"special:regexp": ["regexp"],
	"special:map": ["date", "map"],
	"special:pairs": ["map"],
	"special:set": ["set"],
	"special:infinity": ["number"],
	"special:deep": ["bigint", "set", "map"],
};

export const SAMPLES = {
	"quick.db-7": {
		from: "quick.db",
		path: "json.sqlite",
		lines: [
			{ key: "user", value: { ...ann, level: 3 } },
			{ key: "text", value: "plain" },
			{ key: "digits", value: "123" },
			{ key: "quoted", value: '"x"' },
			{ key: "flag", value: false },
			{ key: "coins", value: 42 },
			{ key: "nested", value: { a: { b: true } } },
			{ key: "list", value: ["first"] },
			{ key: "guilds:1", value: { prefix: "!" } },
		],
	},
	"quick.db-9": { from: "quick.db", path: "json.sqlite", lines: quickDb9 },
	"quick.db-9-json": { from: "quick.db", path: "quickdb.json", lines: quickDb9 },
	"enmap-5.7": { from: "enmap", path: "enmap.sqlite", lines: enmap5, notes: autonum },
	"enmap-5": {
		from: "enmap",
		path: "enmap.sqlite",
		lines: [
			...enmap5,
			...special,
			{ key: "special:proto", value: JSON.parse('{"__proto__":{"x":1},"y":2}') },
			{ key: "special:sparse", value: [1, null, 3] },
			{ key: "special:url", value: "https://example.org/a?b=%3C/script%3E" },
			{ key: "code:fine", value: "function () { it is a text }" },
		],
		kinds: { ...specialKinds, "special:sparse": ["hole"], "special:url": ["url"] },
		refused: ["code:arrow", "code:within"],
		notes: autonum,
	},
	"enmap-6": {
		from: "enmap",
		path: "enmap.sqlite",
		lines: [
			{ key: "users:1", value: member },
			{ key: "users:text", value: "plain" },
			{ key: "users:looks typed", value: { t: 1, v: "x" } },
			...special,
			{ key: "special:proto", value: { y: 2 } },
		],
		kinds: specialKinds,
		notes: autonum,
	},
	keyv: {
		from: "keyv",
		path: "keyv.sqlite",
		lines: [
			{ key: "user", value: { name: "Ann", colon: ":x", bytes: { type: "Buffer", data: [104, 105] } } },
			{ key: "colon", value: ":base64:no bytes" },
			{ key: "bytes", value: { type: "Buffer", data: [0, 255] } },
			{ key: "null", value: null },
			{ key: "later", value: 1, ...later },
			{ key: "guild:1", value: ["x"] },
		],
		kinds: { user: ["bytes"], bytes: ["bytes"] },
		expired: 1,
	},
	"node-persist": {
		from: "node-persist",
		path: "storage",
		lines: [
			{ key: "later", value: 1, ...later },
			{ key: "undefined", value: null },
			{ key: "user", value: { name: "Ann", at: "1970-01-01T00:00:00.000Z" } },
		],
		kinds: { undefined: ["undefined"] },
		expired: 1,
		isUnordered: true,
	},
	lowdb: {
		from: "json",
		path: "db.json",
		lines: [
			{ key: "posts", value: [{ id: 1, title: "lowdb is awesome" }] },
			{ key: "users", value: { 1: { name: "Ann" }, 2: { name: "Bob", roles: { admin: true } }, none: {} } },
			{ key: "version", value: 1 },
		],
	},
};
