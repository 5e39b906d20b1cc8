import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** By how much a sync is delayed. */
export const SYNC_MS = 1;

const SOURCE = fileURLToPath(new URL("slow-sync.c", import.meta.url));

/**
 * The environment of a process in which every sync of a file is delayed. What does that is compiled once in a run.
 *
 * @param {string} folder
 * @returns {NodeJS.ProcessEnv}
 * @throws if there is no C compiler.
 */
export function slowSyncEnvironment(folder) {
	const library = join(folder, "slow-sync.so");
	if (!existsSync(library)) {
		const args = ["-shared", "-fPIC", "-O2", `-DSYNC_MS=${SYNC_MS}`, "-o", library, SOURCE, "-ldl"];
		const { status, error, stderr } = spawnSync("cc", args, { encoding: "utf8" });
		if (status !== 0) throw new Error(`cc cannot compile what delays a sync: ${error?.message ?? stderr}`);
	}
	return { ...process.env, LD_PRELOAD: library };
}
