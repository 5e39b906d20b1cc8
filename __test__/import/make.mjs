// Makes the files that the importers are tested with, each by the library itself:
// `node __test__/import/make.mjs <name> <folder>`, once `npm run test:all` has installed the libraries in packages/.
// The files in fixtures/ were made so. The extended tests make all of them again.

import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { EXPIRES_AT } from "./samples.mjs";

const packages = createRequire(new URL("packages/package.json", import.meta.url));

/** Loads an ES module of packages/. */
const load = (name) => import(pathToFileURL(packages.resolve(name)).href);

const makers = {
	/** The default table, another, an object of which it has set members, and texts that look like JSON. */
	"quick.db-7": async (folder) => {
		process.chdir(folder);
		const db = packages("quick.db-7");
		db.set("user", { name: "Ann", tags: ["a", 1, null] });
		db.set("user.level", 3);
		db.set("text", "plain");
		db.set("digits", "123");
		db.set("quoted", '"x"');
		db.set("flag", false);
		db.set("coins", 41);
		db.add("coins", 1);
		db.set("nested.a.b", true);
		db.push("list", "first");
		new db.table("guilds").set("1", { prefix: "!" });
	},
	"quick.db-9": async (folder) => {
		const { QuickDB } = packages("quick.db-9");
		await fillQuickDb9(new QuickDB({ filePath: join(folder, "json.sqlite") }));
	},
	"quick.db-9-json": async (folder) => {
		const { JSONDriver, QuickDB } = packages("quick.db-9");
		await fillQuickDb9(new QuickDB({ driver: new JSONDriver(join(folder, "quickdb.json")) }));
	},
	/** Before 5.8: values as JSON. */
	"enmap-5.7": async (folder) => {
		await fillEnmap5(packages("enmap-5.7"), folder);
	},
	/** From 5.8: values as JavaScript. */
	"enmap-5": async (folder) => {
		const Enmap = packages("enmap-5");
		await fillEnmap5(Enmap, folder);
		const special = new Enmap({ name: "special", dataDir: folder });
		fillSpecial(special);
		special.set("sparse", [1, , 3]);
		special.set("url", new URL("https://example.org/a?b=</script>"));
		const code = new Enmap({ name: "code", dataDir: folder });
		code.set("arrow", () => process.exit(3));
		code.set("within", { list: [1, function run() {}] });
		code.set("fine", "function () { it is a text }");
	},
	"enmap-6": async (folder) => {
		const { default: Enmap } = await load("enmap-6");
		const users = new Enmap({ name: "users", dataDir: folder });
		users.set("1", { name: "Ann", tags: ["a", 1, null, true] });
		users.set("text", "plain");
		users.set("looks typed", { t: 1, v: "x" });
		users.autonum;
		fillSpecial(new Enmap({ name: "special", dataDir: folder }));
	},
	keyv: async (folder) => {
		const [{ default: Keyv }, { default: KeyvSqlite }] = await Promise.all([import("keyv"), import("@keyv/sqlite")]);
		const store = () => new KeyvSqlite(`sqlite://${join(folder, "keyv.sqlite")}`);
		const keyv = new Keyv({ store: store() });
		await keyv.set("user", { name: "Ann", colon: ":x", bytes: Buffer.from("hi") });
		await keyv.set("colon", ":base64:no bytes");
		await keyv.set("bytes", Buffer.from([0, 255]));
		await keyv.set("null", null);
		await keyv.set("later", 1, EXPIRES_AT - Date.now());
		await keyv.set("gone", 1, 1);
		const other = new Keyv({ store: store(), namespace: "guild" });
		await other.set("1", ["x"]);
		await Promise.all([keyv.disconnect(), other.disconnect()]);
	},
	"node-persist": async (folder) => {
		const { default: storage } = await load("node-persist");
		await storage.init({ dir: join(folder, "storage") });
		await storage.setItem("user", { name: "Ann", at: new Date(0) });
		await storage.setItem("later", 1, { ttl: new Date(EXPIRES_AT) });
		await storage.setItem("gone", 1, { ttl: 1 });
		await storage.setItem("undefined", undefined);
	},
	lowdb: async (folder) => {
		const { JSONFilePreset } = await load("lowdb/node");
		const db = await JSONFilePreset(join(folder, "db.json"), { posts: [], users: {}, version: 1 });
		db.data.posts.push({ id: 1, title: "lowdb is awesome" });
		db.data.users = { 1: { name: "Ann" }, 2: { name: "Bob", roles: { admin: true } }, none: {} };
		await db.write();
	},
};

async function fillQuickDb9(db) {
	await db.set("user", { name: "Ann", tags: ["a", 1, null] });
	await db.set("user.level", 3);
	await db.set("text", '"quoted"');
	await db.set("digits", "123");
	await db.set("flag", false);
	await db.set("User", "another case");
	await db.add("coins", 42);
	await db.push("list", "first");
	const guilds = await db.tableAsync("guilds");
	await guilds.set("1", { prefix: "!" });
}

async function fillEnmap5(Enmap, folder) {
	mkdirSync(folder, { recursive: true });
	const users = new Enmap({ name: "users", dataDir: folder });
	await users.defer;
	users.set("1", { name: "Ann", tags: ["a", 1, null, true] });
	users.set("2", "plain </script> \u2028");
	users.set("3", { t: 1, v: "x" });
	users.autonum;
}

/** Values that JSON does not hold. */
function fillSpecial(enmap) {
	enmap.set("date", { at: new Date(0) });
	enmap.set("undefined", { gone: undefined, list: [undefined, 1] });
	enmap.set("bigint", 123456789012345678901234567890n);
	enmap.set("regexp", /a"b\/[c]/gi);
	enmap.set("map", new Map([["a", new Date(0)]]));
	enmap.set("pairs", new Map([[1, "a"]]));
	enmap.set("set", new Set([1, "b", [2]]));
	enmap.set("infinity", [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
	enmap.set("deep", { a: [new Map([["m", new Set([{ b: 1n }])]])] });
	enmap.set("proto", JSON.parse('{"__proto__":{"x":1},"y":2}'));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const [name, folder] = process.argv.slice(2);
	mkdirSync(folder, { recursive: true });
	await makers[name](folder);
	// Some keep the process alive.
	process.exit();
}
