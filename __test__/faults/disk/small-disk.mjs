// Makes the disk of a program smaller while it runs: the other side of `disks.mjs`.

import { execFileSync } from "node:child_process";
import { closeSync, openSync, rmSync, statfsSync, writeSync } from "node:fs";
import { join } from "node:path";

const MEGABYTE = 1 << 20;

/**
 * Controls of the room on a disk.
 *
 * @param {"mounted" | "limited"} kind
 * @param {string} folder - Where the disk is.
 */
export function smallDisk(kind, folder) {
	const ballast = join(folder, "ballast");
	return {
		mounted: {
			/** Leaves room for small values, not for one of 8 MiB. */
			shrink: () => fill(folder, ballast, 6 * MEGABYTE),
			/** Leaves no room at all. */
			exhaust: () => fill(folder, ballast, 0),
			release: () => rmSync(ballast),
		},
		limited: {
			shrink: () => {},
			exhaust: () => limitFiles("0"),
			release: () => limitFiles("unlimited"),
		},
	}[kind];
}

/** Takes up the disk until only so many bytes are free. */
function fill(folder, filename, freeBytes) {
	const ballast = openSync(filename, "a");
	const { bavail, bsize } = statfsSync(folder);
	let left = bavail * bsize - freeBytes;
	for (const length of [MEGABYTE, 4_096]) {
		for (const block = Buffer.alloc(length, "b"); left >= length; left -= length) writeSync(ballast, block);
	}
	closeSync(ballast);
}

/** Limits the size of files from now on; the hard limit stays. */
function limitFiles(bytes) {
	execFileSync("prlimit", ["--pid", String(process.pid), `--fsize=${bytes}:`]);
}
