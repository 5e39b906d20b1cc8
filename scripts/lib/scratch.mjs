import { accessSync, chmodSync, constants, mkdtempSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";

/** Folder in which Linux keeps files in memory. */
const MEMORY = "/dev/shm";

/** Free memory, in bytes, that is more than all tests that run at once take. */
const ROOM_BYTES_MIN = 4 * 2 ** 30;

/**
 * The environment of tests whose files need not lie on a disk: a temporary folder in memory, where there is room, for they
 * write so much, and sync so often, that a third of their time would go there. The folder is removed when this process ends.
 *
 * @returns {{ TMPDIR?: string }}
 */
export function filesInMemory() {
	if (!isSuitable()) return {};
	const folder = mkdtempSync(join(MEMORY, "rootcellar-tests-"));
	// A server that a test starts may be another user's.
	chmodSync(folder, 0o755);
	process.on("exit", () => {
		try {
			rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
		} catch {
			// A process that a test has left goes on writing there, which is no failure of what has ended.
		}
	});
	for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));
	return { TMPDIR: folder };
}

/** True if programs can be run from there, too, as some tests do, and neither the folder nor the machine is small. */
function isSuitable() {
	try {
		accessSync(MEMORY, constants.W_OK | constants.X_OK);
		const mounts = readFileSync("/proc/self/mounts", "utf8").split("\n");
		const [, , type, options] = mounts.findLast((line) => line.split(" ")[1] === MEMORY)?.split(" ") ?? [];
		if (type !== "tmpfs" || options.split(",").includes("noexec")) return false;
		const { bavail, bsize } = statfsSync(MEMORY);
		const [, available = 0] = readFileSync("/proc/meminfo", "utf8").match(/^MemAvailable: +(\d+) kB$/m) ?? [];
		return Math.min(bavail * bsize, Number(available) * 1024) >= ROOM_BYTES_MIN;
	} catch {
		return false;
	}
}
