// Runs of the benchmark, and imagined ones.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { groups } from "../../benchmark/groups/index.mjs";
import { parseOptions } from "../../benchmark/lib/options.mjs";
import { summarize } from "../../benchmark/lib/report/statistics.mjs";

const program = fileURLToPath(new URL("../../benchmark/run.mjs", import.meta.url));

/** Runs the benchmark's program. */
export function bench(...args) {
	const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { encoding: "utf8" });
	return { status, stdout, stderr };
}

/** The results of an imagined run: one number for every subject and workload that is measured. */
export function imagine(numberOf, profile = parseOptions([]).profile) {
	const samples = groups.flatMap((group) =>
		group
			.tasks(profile)
			.flatMap(({ subject, workloads = group.workloads.map(({ id }) => id) }) =>
				workloads.map((workload) => ({ group: group.id, workload, subject, value: numberOf(subject, workload) })),
			),
	);
	return summarize(samples);
}
