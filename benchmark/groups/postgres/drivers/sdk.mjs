import { createRequire } from "node:module";
import { serverOfRound } from "../server.mjs";

const require = createRequire(import.meta.url);

/** The SDK does not load without a community and a token; it takes any while it only stores. */
const ENVIRONMENT = { COMMUNITY_ID: "WiJn1KM1f5eB9A9RzVwVLw", DEV_TOKEN: "benchmark" };

/**
 * The original, whose support of PostgreSQL is not documented. A `set` of a key that exists adds a row.
 *
 * @type {import("./index.mjs").Driver}
 */
export const sdk = {
	id: "sdk",
	title: "the SDK",
	packages: ["@rootsdk/server-bot", "pg"],
	freshKeys: true,
	open: async (name) => {
		const config = { databaseType: "pg", pg: { ...serverOfRound(), name } };
		Object.assign(process.env, ENVIRONMENT, { DATABASE_CONFIG: JSON.stringify(config) });
		/** @type {typeof import("@rootsdk/server-bot")} */
		const { rootServer } = require("@rootsdk/server-bot");
		const { appData } = rootServer.dataStore;
		// If several operations begin at once, the first makes the table, and others fail.
		await appData.get("");
		return {
			get: (key) => appData.get(key),
			set: (key, value) => appData.set({ key, value }),
			update: (key, change) => appData.update(key, change, {}),
			close: async () => {},
		};
	},
};
