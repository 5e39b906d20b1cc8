import { createRequire } from "node:module";
import { join } from "node:path";
import { endOfPrefix } from "../lib/prefix.mjs";

const require = createRequire(import.meta.url);

/** Its declarations for ES modules do not compile. */
const load = async () => require("lmdb");

/**
 * With lmdb's default settings the promise of `put` and of `transaction` resolves after `fdatasync`: only
 * `separateFlushed`, which is not set, would make it resolve earlier.
 *
 * @type {import("./index.mjs").Driver}
 */
export const lmdb = {
	id: "lmdb",
	title: "lmdb",
	packages: ["lmdb"],
	durability: "default settings: on disk when the promise of put or transaction resolves",
	durable: true,
	load,
	open: async (folder) => {
		const { open } = await load();
		const db = open({ path: join(folder, "lmdb"), encoding: "json" });
		return {
			get: (key) => db.get(key),
			set: (key, value) => db.put(key, value),
			setMany: (entries) =>
				db.transaction(() => {
					for (const { key, value } of entries) db.put(key, value);
				}),
			update: (key, change) =>
				db.transaction(() => {
					const value = change(db.get(key));
					db.put(key, value);
					return value;
				}),
			select: (prefix) => [...db.getRange({ start: prefix, end: endOfPrefix(prefix) })],
			close: () => db.close(),
		};
	},
};
