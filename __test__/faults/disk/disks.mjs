// Disks that are too small, for a process of its own.

import { execFile, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const MEGABYTE = 1 << 20;

/** The whole disk. The program fills most of it with something else, which it can remove. */
const DISK_BYTES = 128 * MEGABYTE;

/** The longest that a file may become where no disk can be mounted. */
const FILE_BYTES_MAX = 6 * MEGABYTE;

/**
 * A disk in memory, mounted where only the program sees it. As root, or as root of a user namespace, where the
 * system allows those.
 */
const MOUNT = 'mount -t tmpfs -o size="$1" tmpfs "$2" && shift 2 && exec "$@"';
const NAMESPACES = [
	["unshare", "--mount", "--propagation", "private"],
	["unshare", "--map-root-user", "--mount", "--propagation", "private"],
];

/**
 * The ways to a full disk: a small one (`SQLITE_FULL`), and a limit on the size of files (`ulimit -f`), which
 * SQLite reports as `SQLITE_IOERR_WRITE`.
 */
export const DISKS = {
	mounted: {
		title: "a disk that is full",
		code: /^SQLITE_FULL$/,
		command: (folder) => {
			const namespace = NAMESPACES.find((prefix) => works([...prefix, ...mount(folder), "true"]));
			return namespace && [...namespace, ...mount(folder)];
		},
	},
	limited: {
		title: "a limit on the size of files",
		code: /^SQLITE_(FULL|IOERR_WRITE)$/,
		command: () => {
			const prefix = ["prlimit", `--fsize=${FILE_BYTES_MAX}:`];
			return works([...prefix, "true"]) ? prefix : undefined;
		},
	},
};

/**
 * Runs a program on a disk that is too small, and resolves with what it printed, parsed as JSON.
 *
 * @param {string} program
 * @param {"mounted" | "limited"} kind
 * @param {string} folder - Where the disk is.
 * @param {string[]} args - Follow the kind and the folder.
 */
export function runOnSmallDisk(program, kind, folder, args) {
	const prefix = DISKS[kind].command(folder);
	if (prefix === undefined) throw new Error(`no ${kind} disk can be had on this machine: it allows no such command`);
	const path = fileURLToPath(new URL(program, import.meta.url));
	const [command, ...rest] = [...prefix, process.execPath, path, kind, folder, ...args];
	return new Promise((resolve, reject) => {
		execFile(command, rest, { timeout: 240_000 }, (error, stdout, stderr) => {
			if (error || stderr !== "") reject(new Error(`${program} failed: ${stderr || error.message}`));
			else resolve(JSON.parse(stdout));
		});
	});
}

function mount(folder) {
	return ["sh", "-c", MOUNT, "sh", String(DISK_BYTES), folder];
}

function works([command, ...args]) {
	return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}
