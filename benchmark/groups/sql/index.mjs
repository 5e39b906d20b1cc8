import { libraries } from "./databases.mjs";
import { prepare, workloads } from "./workloads.mjs";

/**
 * Libraries for SQL on the same table.
 *
 * @type {import("../index.mjs").Group}
 */
export const sql = {
	id: "sql",
	title: () => "SQL, on a table of 10,000 rows",
	workloads,
	tasks: () => libraries.map(({ id, title }) => ({ subject: id, title })),
	run: async ({ subject, profile, folder, wants, turn, report }) => {
		const library = libraries.find(({ id }) => id === subject);
		if (library === undefined) throw new Error(`no library ${subject}`);
		const database = await library.open(folder);
		await prepare(database);
		for (const { id, run } of workloads) {
			if (!wants(id)) continue;
			await turn();
			report(id, await run({ database, profile }));
		}
		await database.close();
	},
};
