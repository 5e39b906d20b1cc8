import { join } from "node:path";

/** @type {import("./index.mjs").Driver} */
export const rootcellar = {
	id: "rootcellar",
	title: "rootcellar",
	packages: ["rootcellar"],
	durability: "synchronous=FULL: on disk when the promise resolves",
	durable: true,
	load: () => import("rootcellar"),
	open: async (folder, { cacheBytes } = {}) => {
		const { openDataStore } = await import("rootcellar");
		const options = { filename: join(folder, "store.sqlite3"), backup: /** @type {const} */ (false), cacheBytes };
		const dataStore = openDataStore(options);
		const { appData } = dataStore;
		return {
			get: (key) => appData.get(key),
			set: (key, value) => appData.set({ key, value }),
			setMany: (entries) => appData.set(entries),
			update: (key, change) => appData.update(key, change, undefined),
			select: (prefix) => appData.select(`${prefix}%`),
			close: () => dataStore.close(),
		};
	},
};
