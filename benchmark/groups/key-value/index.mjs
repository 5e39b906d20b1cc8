import { drivers } from "../../drivers/index.mjs";
import { fill, runWorkloads } from "./run.mjs";
import { workloads } from "./workloads.mjs";

/**
 * Every driver on the same entries.
 *
 * @type {import("../index.mjs").Group}
 */
export const keyValue = {
	id: "key-value",
	title: (profile) => `Key-value store with ${profile.keys.toLocaleString("en")} keys`,
	workloads,
	tasks: () => drivers.map(({ id, title }) => ({ subject: id, title })),
	run: async ({ subject, profile, folder, wants, turn, report }) => {
		const driver = drivers.find(({ id }) => id === subject);
		if (driver === undefined) throw new Error(`no driver ${subject}`);
		const { keys: keyCount } = profile;
		await fill(driver, folder, keyCount);
		const wanted = workloads.filter(({ id }) => wants(id));
		await runWorkloads({ folder, driver, keyCount, hotCount: keyCount, profile, turn, report }, wanted);
	},
};
