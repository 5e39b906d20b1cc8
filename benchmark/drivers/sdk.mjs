import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(import.meta.url);

/** The SDK does not load without a community and a token; it takes any while it only stores. */
const ENVIRONMENT = { COMMUNITY_ID: "WiJn1KM1f5eB9A9RzVwVLw", DEV_TOKEN: "benchmark" };

/**
 * The original. It reads the place of its one store from the environment when it is loaded, so that a process has
 * one folder.
 *
 * @type {import("./index.mjs").Driver}
 */
export const sdk = {
	id: "sdk",
	title: "the SDK",
	packages: ["@rootsdk/server-bot", "sqlite3"],
	durability: "rollback journal, synchronous=FULL: on disk when the promise resolves",
	durable: true,
	arrayMax: 400,
	freshKeys: true,
	load: async () => loadSdk(),
	open: async (folder) => {
		const { appData } = loadSdk(folder);
		return {
			get: (key) => appData.get(key),
			set: (key, value) => appData.set({ key, value }),
			setMany: (entries) => appData.set(entries),
			update: (key, change) => appData.update(key, change, {}),
			select: (prefix) => appData.select(`${prefix}%`),
			close: async () => {},
		};
	},
};

/** @param {string} [folder] */
function loadSdk(folder = process.cwd()) {
	const config = { databaseType: "sqlite3", sqlite3: { filename: join(folder, "store.sqlite3") } };
	Object.assign(process.env, ENVIRONMENT, { DATABASE_CONFIG: JSON.stringify(config) });
	/** @type {typeof import("@rootsdk/server-bot")} */
	const { rootServer } = require("@rootsdk/server-bot");
	return rootServer.dataStore;
}
