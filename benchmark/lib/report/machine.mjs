import { closeSync, fdatasyncSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { root } from "../../../scripts/lib/run.mjs";

const BYTES_PER_GIB = 1024 ** 3;

/** Number of test writes to the disk. */
const SYNCS = 300;

const BLOCK_BYTES = 4096;

/**
 * Description of the machine, without anything that names it.
 *
 * @param {string} folder - On the disk that the stores lie on.
 */
export function describeMachine(folder) {
	const processors = cpus();
	return {
		cpu: processors[0]?.model.trim() ?? "unknown",
		cores: processors.length,
		memoryGiB: Math.round(totalmem() / BYTES_PER_GIB),
		os: `${process.platform} ${process.arch}`,
		diskSyncsPerSecond: syncsPerSecond(folder),
		node: process.version,
	};
}

/**
 * Rate of small confirmed writes to the disk, one after another: the bound of durable writes where
 * nothing groups them.
 *
 * @param {string} folder
 */
function syncsPerSecond(folder) {
	const path = join(folder, "syncs");
	const descriptor = openSync(path, "w");
	const block = Buffer.alloc(BLOCK_BYTES, 1);
	const write = (/** @type {number} */ index) => {
		writeSync(descriptor, block, 0, BLOCK_BYTES, index * BLOCK_BYTES);
		fdatasyncSync(descriptor);
	};
	// Once for the room that the file takes, and again for the time.
	for (let index = 0; index < SYNCS; index++) writeSync(descriptor, block);
	write(0);
	const start = performance.now();
	for (let index = 0; index < SYNCS; index++) write(index);
	const seconds = (performance.now() - start) / 1000;
	closeSync(descriptor);
	rmSync(path);
	return Math.round(SYNCS / seconds);
}

/**
 * The installed versions of packages; our own is this folder's.
 *
 * @param {readonly string[]} names
 * @returns {Record<string, string>}
 */
export function versionsOf(names) {
	const versionOf = (/** @type {string} */ name) => {
		const folder = name === "rootcellar" ? root : join(root, "node_modules", name);
		return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).version;
	};
	return Object.fromEntries(names.map((name) => [name, versionOf(name)]));
}
