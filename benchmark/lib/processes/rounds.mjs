import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { groups } from "../../groups/index.mjs";
import { createRunner, takeTurns } from "./processes.mjs";
import { slowSyncEnvironment } from "./slow-sync.mjs";
import { copyTemplate } from "./templates.mjs";

/**
 * @typedef {import("../report/statistics.mjs").Sample} Sample
 * @typedef {{ group: string, subject: string, problem: string }} Failure
 * @typedef {{ samples: Sample[], failures: Failure[] }} Run
 */

/**
 * Runs every task that is wanted, round after round, each in a process of its own. The processes of a group take
 * turns, a workload each, so that what slows the machine for a while slows all of them.
 *
 * @param {{ options: import("../options.mjs").Options, folder: string, say: (line: string) => void }} given
 * @returns {Promise<Run>}
 */
export async function runRounds({ options: { profile, wants }, folder, say }) {
	/** @type {Run} */
	const run = { samples: [], failures: [] };
	for (let round = 1; round <= profile.rounds; round++) {
		for (const group of groups) {
			const tasks = wantedTasks(group, { profile, wants }).filter(({ once }) => !once || round === 1);
			if (tasks.length === 0) continue;
			say(`round ${round} of ${profile.rounds}: ${group.title(profile)}`);
			const place = join(folder, "tasks");
			const { env, end } = (await group.prepare?.()) ?? {};
			await takeTurns(
				tasks.map((task, index) => runnerOf(task, { group, profile, place, index, templates: folder, env, run })),
			);
			await end?.();
			rmSync(place, { recursive: true, force: true });
		}
	}
	return run;
}

/**
 * The tasks of a group with the workloads that are wanted of each, where any is.
 *
 * @param {import("../../groups/index.mjs").Group} group
 * @param {Pick<import("../options.mjs").Options, "profile" | "wants">} options
 */
function wantedTasks({ id, workloads: all, tasks }, { profile, wants }) {
	return tasks(profile)
		.map(({ workloads = all.map((workload) => workload.id), ...task }) => ({
			...task,
			workloads: workloads.filter((workload) => wants(id, task.subject, workload)),
		}))
		.filter(({ workloads }) => workloads.length > 0);
}

/**
 * A task's process, with a folder of its own that is there when it starts.
 *
 * @param {ReturnType<typeof wantedTasks>[number]} task
 * @param {{
 *   group: import("../../groups/index.mjs").Group,
 *   profile: import("../profile.mjs").Profile,
 *   place: string,
 *   index: number,
 *   templates: string,
 *   env: NodeJS.ProcessEnv | undefined,
 *   run: Run,
 * }} context
 * @returns {import("./processes.mjs").Runner}
 */
function runnerOf(task, { group: { id: group }, profile, place, index, templates, env: shared, run }) {
	const { subject, workloads, template, slowSync } = task;
	const folder = join(place, String(index));
	const fail = (/** @type {string} */ problem) => run.failures.push({ group, subject, problem });
	const prepare = async () => {
		mkdirSync(folder, { recursive: true });
		if (template !== undefined) await copyTemplate(template, { templates, folder });
		const env = { ...(slowSync ? slowSyncEnvironment(templates) : process.env), ...shared };
		return createRunner(
			{ groupId: group, subject, workloads, profile, folder, env },
			{ report: (workload, value) => run.samples.push({ group, workload, subject, value }), fail },
		);
	};
	/** @type {import("./processes.mjs").Runner | undefined} */
	let runner;
	return {
		proceed: async () => {
			try {
				runner ??= await prepare();
			} catch (error) {
				fail(String(error));
				return false;
			}
			const paused = await runner.proceed();
			if (!paused) rmSync(folder, { recursive: true, force: true });
			return paused;
		},
	};
}
