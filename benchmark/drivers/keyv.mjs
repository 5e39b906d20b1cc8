import { createRequire } from "node:module";
import { join } from "node:path";
import { createKeyQueue } from "../lib/key-queue.mjs";

const require = createRequire(import.meta.url);

/** As many rows as the adapter fetches at once; its default of 10 would make a scan a hundred times slower. */
const ITERATION_LIMIT = 1000;

const loadBoth = () => Promise.all([import("keyv"), import("@keyv/sqlite")]);

/**
 * Keyv has neither transactions nor a search by prefix. An update is a read and a write that wait for their
 * predecessor on the same key; `select` asks for a namespace of the prefix's name, which the adapter finds by `LIKE`;
 * an array is written entry by entry, which is how its `setMany` does it with this adapter.
 *
 * @type {import("./index.mjs").Driver}
 */
export const keyv = {
	id: "keyv",
	title: "keyv with SQLite",
	packages: ["keyv", "@keyv/sqlite", "sqlite3"],
	durability: "SQLite's defaults (rollback journal, synchronous=FULL): on disk when the promise resolves",
	durable: true,
	arrayMax: 100,
	load: loadBoth,
	fill: async (folder, entries) => {
		const { keyv: store, adapter } = await open(folder);
		const [first, ...others] = entries;
		await store.set(first.key, first.value);
		await adapter.close();
		/** @type {any} */
		const Database = require("better-sqlite3");
		const db = new Database(fileIn(folder));
		const insert = db.prepare("INSERT INTO keyv (key, value) VALUES (?, ?)");
		db.transaction(() => {
			for (const { key, value } of others) insert.run(key, JSON.stringify({ value }));
		})();
		db.close();
	},
	open: async (folder) => {
		const { keyv: store, adapter } = await open(folder);
		const oneAfterAnother = createKeyQueue();
		return {
			get: (key) => store.get(key),
			set: (key, value) => store.set(key, value),
			setMany: (entries) => store.setMany(entries),
			update: (key, change) =>
				oneAfterAnother(key, async () => {
					const value = change(await store.get(key));
					await store.set(key, value);
					return value;
				}),
			select: async (prefix) => {
				const found = [];
				for await (const [key, text] of adapter.iterator(prefix.slice(0, -1))) {
					found.push({ key, value: JSON.parse(text).value });
				}
				return found;
			},
			close: () => adapter.close(),
		};
	},
};

/** @param {string} folder */
const fileIn = (folder) => join(folder, "store.sqlite3");

/** @param {string} folder */
async function open(folder) {
	const [{ default: Keyv }, { default: KeyvSqlite }] = await loadBoth();
	const adapter = new KeyvSqlite({ uri: `sqlite://${fileIn(folder)}`, iterationLimit: ITERATION_LIMIT });
	return { adapter, keyv: new Keyv({ store: adapter, useKeyPrefix: false }) };
}
