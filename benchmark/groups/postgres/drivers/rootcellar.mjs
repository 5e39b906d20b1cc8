import { serverOfRound } from "../server.mjs";

/** @type {import("./index.mjs").Driver} */
export const rootcellar = {
	id: "rootcellar",
	title: "rootcellar",
	packages: ["rootcellar"],
	open: async (name) => {
		process.env.DATABASE_CONFIG = JSON.stringify({ databaseType: "pg", pg: { ...serverOfRound(), name } });
		const { openDataStore } = await import("rootcellar");
		const dataStore = openDataStore();
		const { appData } = dataStore;
		return {
			get: (key) => appData.get(key),
			set: (key, value) => appData.set({ key, value }),
			update: (key, change) => appData.update(key, change, undefined),
			close: () => dataStore.close(),
		};
	},
};
