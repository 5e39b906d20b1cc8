import { drivers } from "../../drivers/index.mjs";
import { entriesBetween } from "../../lib/data.mjs";
import { runWorkloads } from "./run.mjs";
import { workloads } from "./workloads.mjs";

/** As many entries as go into a store in one call while it is filled. */
const FILL_ENTRIES = 5000;

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

/**
 * @param {import("../../drivers/index.mjs").Driver} driver
 * @param {string} folder
 * @param {number} keyCount
 */
async function fill(driver, folder, keyCount) {
	const entries = entriesBetween(0, keyCount);
	if (driver.fill) return driver.fill(folder, entries);
	const store = await driver.open(folder);
	const size = driver.arrayMax ?? FILL_ENTRIES;
	for (let from = 0; from < keyCount; from += size) await store.setMany(entries.slice(from, from + size));
	await store.close();
}
