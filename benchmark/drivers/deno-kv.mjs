import { join } from "node:path";

/** As many rows as it fetches at once at most; its default is 100. */
const BATCH_SIZE = 500;

/** @param {string} key */
const parts = (key) => key.split(":");

/**
 * Deno KV on a local file. Its keys are arrays, and a prefix is the beginning of one. An update is a read and a write
 * that checks the version, again until it succeeds.
 *
 * @type {import("./index.mjs").Driver}
 */
export const denoKv = {
	id: "deno-kv",
	title: "@deno/kv",
	packages: ["@deno/kv"],
	durability: "default settings (SQLite with a write-ahead log): on disk when the promise resolves",
	durable: true,
	arrayMax: 1000,
	load: () => import("@deno/kv"),
	open: async (folder) => {
		const { openKv } = await import("@deno/kv");
		const kv = await openKv(join(folder, "deno.sqlite3"));
		return {
			get: async (key) => (await kv.get(parts(key))).value,
			set: (key, value) => kv.set(parts(key), value),
			setMany: (entries) => {
				const atomic = kv.atomic();
				for (const { key, value } of entries) atomic.set(parts(key), value);
				return atomic.commit();
			},
			update: async (key, change) => {
				for (;;) {
					const entry = await kv.get(parts(key));
					const value = change(entry.value);
					const result = await kv.atomic().check(entry).set(entry.key, value).commit();
					if (result.ok) return value;
				}
			},
			select: async (prefix) => {
				const found = [];
				const selector = { prefix: parts(prefix).slice(0, -1) };
				for await (const { key, value } of kv.list(selector, { batchSize: BATCH_SIZE })) {
					found.push({ key: key.join(":"), value });
				}
				return found;
			},
			close: () => kv.close(),
		};
	},
};
