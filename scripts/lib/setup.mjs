import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fail, npm, root, run } from "./run.mjs";

/**
 * Installs the development dependencies, unless node_modules holds what package-lock.json says.
 *
 * Not with `npm ci`: that insists on a lock file with the tools' optional packages for every other platform,
 * and an npm that cannot see those writes a lock file without them.
 */
export function installPackages() {
	if (packagesAreInstalled()) return;
	const [command, args, options] = npm(["install", "--ignore-scripts", "--no-save"]);
	run("Installing the development dependencies (npm install)", command, args, options);
}

/** Compares the lock file with the copy of it that npm leaves in node_modules when it is done. */
function packagesAreInstalled() {
	const wanted = lockedPackages("package-lock.json");
	const installed = lockedPackages("node_modules/.package-lock.json");
	return Object.entries(wanted).every(([path, { integrity, optional }]) => {
		if (path === "") return true;
		// An optional package may be one for another platform.
		return path in installed ? installed[path].integrity === integrity : optional === true;
	});
}

/**
 * @param {string} file
 * @returns {Record<string, { integrity?: string, optional?: boolean }>}
 */
function lockedPackages(file) {
	const path = join(root, file);
	return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")).packages : {};
}

/**
 * Builds the native part of sqlite3, which the SDK needs to run in the parity tests. Nothing of rootcellar
 * depends on it.
 */
export function buildSqlite3() {
	if (loadingSqlite3Fails() === undefined) return;
	const title = "Building sqlite3 for the SDK in the parity tests (npm rebuild; takes a minute or two)";
	const [command, args, options] = npm(["rebuild", "sqlite3", "--ignore-scripts=false"]);
	const hint = "It needs network access for a prebuilt binary, or Python and a C++ compiler.";
	run(title, command, args, { ...options, hint });
	const problem = loadingSqlite3Fails();
	if (problem !== undefined) fail(title, `sqlite3 still does not load: ${problem}`, hint);
}

/** What goes wrong when sqlite3 is loaded, in a process of its own; `undefined` when nothing does. */
function loadingSqlite3Fails() {
	const program = 'try { require("sqlite3") } catch (error) { console.log(error.message); process.exitCode = 1 }';
	const { status, stdout } = spawnSync(process.execPath, ["-e", program], { cwd: root, encoding: "utf8" });
	return status === 0 ? undefined : stdout.trim();
}
