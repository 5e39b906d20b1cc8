import { pageWorkload, subjects, workloads } from "./reads.mjs";

/**
 * `dataStore.kv`, against the plainest way to get the same.
 *
 * @type {import("../index.mjs").Group}
 */
export const kv = {
	id: "kv",
	title: ({ manyKeys }) => `dataStore.kv on ${manyKeys.toLocaleString("en-US")} keys`,
	workloads: [...workloads.map(({ id, title, unit, better }) => ({ id, title, unit, better })), pageWorkload],
	tasks: ({ manyKeys }) =>
		subjects.map(({ id, title, runs }) => ({
			subject: id,
			title,
			template: manyKeys,
			workloads: Object.keys(runs),
		})),
	run: async ({ subject, profile, folder, wants, turn, report }) => {
		const { openDataStore } = await import("rootcellar");
		const store = openDataStore({ filename: `${folder}/store.sqlite3`, backup: false });
		const { runs } = subjects.find(({ id }) => id === subject) ?? {};
		for (const [id, run] of Object.entries(runs ?? {})) {
			if (!wants(id)) continue;
			await turn();
			report(id, await run({ store, profile }));
		}
		await store.close();
	},
};
