"use strict";

const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { MEMORY_ROOM_BYTES_MIN } = require("../base/limits.js");

/** Name of a store that is gone when its process is. */
const MEMORY = ":memory:";

/** Folder in which Linux keeps files in memory. */
const SHARED_MEMORY = "/dev/shm";

/** Number of stores in memory that this environment has had. */
let count = 0;

/**
 * The path of a new store in memory, in a folder that nobody else has. The core makes the folder, and removes it; its name
 * begins as `src/private_folder.rs` has it.
 */
function memoryFile() {
	count++;
	// Unique, also among the workers of a process, and the test files that each load this again, with a clock of their own.
	const unique = `${process.hrtime.bigint().toString(36)}${Math.random().toString(36).slice(2)}`;
	const folder = `rootcellar-private-${process.pid}-${count}-${unique}`;
	return path.join(isRoomy(SHARED_MEMORY) ? SHARED_MEMORY : fs.realpathSync(os.tmpdir()), folder, "memory.sqlite3");
}

/**
 * True if files can be made in a folder, and there is room for more than a few: containers have little memory for that.
 *
 * @param {string} folder
 */
function isRoomy(folder) {
	try {
		fs.accessSync(folder, fs.constants.W_OK | fs.constants.X_OK);
		const { bavail, bsize } = fs.statfsSync(folder);
		return bavail * bsize >= MEMORY_ROOM_BYTES_MIN;
	} catch {
		return false;
	}
}

module.exports = { MEMORY, memoryFile };
