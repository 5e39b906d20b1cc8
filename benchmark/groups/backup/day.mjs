import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { dayArguments } from "../../../scripts/lib/day.mjs";
import { root } from "../../../scripts/lib/run.mjs";
import { inMB } from "./part.mjs";

const BYTES_PER_MB = 1e6;

const run = promisify(execFile);

const VALUES = ["objects", "random"];

/**
 * Size of a day's backups of a bot that writes a little every second. `benches/day.rs` plays it; only its clock is
 * pretended. It is compiled first, if it has not been.
 *
 * @type {import("./part.mjs").Part}
 */
export const day = {
	workloads: [
		{ id: "day-objects", title: "backups after a day of one small write a second, compacted", ...inMB },
		{ id: "day-objects-most", title: "the same, the most at any moment of the day", ...inMB },
		{ id: "day-random", title: "the same with values that cannot be compressed, compacted", ...inMB },
		{ id: "day-random-most", title: "the same, the most at any moment of the day", ...inMB },
	],
	run: async ({ folder, keyCount, profile: { daySeconds, build }, report }) => {
		for (const values of VALUES) {
			const played = [join(folder, values), String(keyCount), values, String(daySeconds)];
			const args = dayArguments(build, "--", ...played);
			const { stdout } = await run("cargo", args, { cwd: root });
			const { bytes, mostBytes } = JSON.parse(stdout);
			report(`day-${values}`, bytes / BYTES_PER_MB);
			report(`day-${values}-most`, mostBytes / BYTES_PER_MB);
		}
	},
};
