import { drivers } from "../../drivers/index.mjs";
import { SYNC_MS } from "../../lib/processes/slow-sync.mjs";
import { fill, runWorkloads } from "../key-value/run.mjs";
import { workloads as keyValueWorkloads } from "../key-value/workloads.mjs";

const SUBJECTS = ["rootcellar", "lmdb", "better-sqlite3", "classic-level"];

const ONE_AFTER_ANOTHER = ["set-1", "update-1"];

const workloads = keyValueWorkloads.filter(({ id }) => [...ONE_AFTER_ANOTHER, "set-1000"].includes(id));

/**
 * Writes on a disk that takes a millisecond more to confirm one, as those of many hosts do. Only on Linux: what delays
 * a sync is loaded before the C library (`lib/slow-sync.c`).
 *
 * @type {import("../index.mjs").Group}
 */
export const slowSync = {
	id: "slow-sync",
	title: () => "Writes where a sync takes a millisecond longer",
	workloads,
	tasks: () =>
		process.platform === "linux"
			? drivers
					.filter(({ id }) => SUBJECTS.includes(id))
					.map(({ id, title }) => ({ subject: id, title, slowSync: true }))
			: [],
	run: async ({ subject, profile, folder, wants, turn, report }) => {
		const driver = drivers.find(({ id }) => id === subject);
		if (driver === undefined) throw new Error(`no driver ${subject}`);
		const { keys: keyCount } = profile;
		await fill(driver, folder, keyCount);
		const wanted = workloads.filter(({ id }) => wants(id));
		const reportDelayed = (/** @type {string} */ workload, /** @type {number} */ value) => {
			if (ONE_AFTER_ANOTHER.includes(workload) && value > 1000 / SYNC_MS) {
				throw new Error(`${workload}: ${Math.round(value)} in a second have not waited for the slow disk`);
			}
			report(workload, value);
		};
		const run = { folder, driver, keyCount, hotCount: keyCount, profile, turn, report: reportDelayed };
		await runWorkloads(run, wanted);
	},
};
