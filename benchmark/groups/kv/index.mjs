import { countRuns, countSubjects, countWorkload } from "./counting.mjs";
import { importQuickDb, importWorkloads } from "./importing.mjs";
import { pageWorkload, subjects as readSubjects, workloads } from "./reads.mjs";
import { measureWatch, watchWorkloads } from "./watching.mjs";

const subjects = [
	...readSubjects.map((one) => (one.id === "rootcellar" ? { ...one, runs: { ...one.runs, ...countRuns } } : one)),
	...countSubjects,
];

/** Subject that is a command, and has no store of its own. */
const IMPORT = "import";

/** Subject with another process beside it, on a store as that of `key-value`. */
const WATCH = "watch";

/**
 * `dataStore.kv`, against the plainest way to get the same.
 *
 * @type {import("../index.mjs").Group}
 */
export const kv = {
	id: "kv",
	title: ({ manyKeys }) => `dataStore.kv on ${manyKeys.toLocaleString("en-US")} keys`,
	workloads: [
		...workloads.map(({ id, title, unit, better }) => ({ id, title, unit, better })),
		pageWorkload,
		countWorkload,
		...importWorkloads,
		...watchWorkloads,
	],
	tasks: ({ keys, manyKeys }) => [
		...subjects.map(({ id, title, runs }) => ({
			subject: id,
			title,
			template: manyKeys,
			workloads: Object.keys(runs),
		})),
		{ subject: IMPORT, title: "rootcellar import", workloads: importWorkloads.map(({ id }) => id) },
		{
			subject: WATCH,
			title: `rootcellar, ${keys.toLocaleString("en-US")} keys`,
			template: keys,
			workloads: watchWorkloads.map(({ id }) => id),
		},
	],
	run: async ({ subject, profile, folder, wants, turn, report }) => {
		if (subject === IMPORT) {
			await turn();
			const { secondsPerMillion, peakMiB } = await importQuickDb(folder, profile.manyKeys);
			report("kv-import", secondsPerMillion);
			report("kv-import-memory", peakMiB);
			return;
		}
		if (subject === WATCH) {
			await turn();
			const measured = await measureWatch(`${folder}/store.sqlite3`, profile.keys, profile);
			for (const [id, value] of Object.entries(measured)) report(id, value);
			return;
		}
		const { openDataStore } = await import("rootcellar");
		const store = openDataStore({ filename: `${folder}/store.sqlite3`, backup: false });
		const { runs } = subjects.find(({ id }) => id === subject) ?? {};
		for (const [id, run] of Object.entries(runs ?? {})) {
			if (!wants(id)) continue;
			await turn();
			report(id, await run({ store, profile, folder }));
		}
		await store.close();
	},
};
