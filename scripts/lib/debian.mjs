import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { root, run } from "./run.mjs";

const folder = join(root, "node_modules/.cache/rootcellar/debian");
const downloads = join(folder, "packages");

/** What of Debian the long tests use: a folder that has `usr`, whether it is there or not. */
export const debianFiles = join(folder, "files");

/** The pooler that they put before PostgreSQL, in that folder. */
export const PGBOUNCER = "usr/sbin/pgbouncer";

/**
 * The folder of the libraries among those files.
 *
 * @param {string} [files]
 */
export function debianLibraries(files = debianFiles) {
	const libraries = join(files, "usr/lib");
	const [triplet = ""] = existsSync(libraries) ? readdirSync(libraries).filter((name) => name.includes("-linux-")) : [];
	return join(libraries, triplet);
}

/** The library that gives a process another clock, whether it is there or not. */
export function fakeClockPath() {
	return join(debianLibraries(), "faketime/libfaketimeMT.so.1");
}

/** Fetches packages and unpacks them here, unless they are there. Nothing of the system is changed, so that it takes no root. */
export async function installDebianPackages() {
	if (existsSync(join(debianFiles, PGBOUNCER)) && existsSync(fakeClockPath())) return;
	mkdirSync(downloads, { recursive: true });
	const options = { cwd: downloads, hint: "It needs Debian or Ubuntu, with the lists of apt-get update." };
	const title = "Fetching pgbouncer and libfaketime for the long tests";
	const names = ["pgbouncer", "libfaketime", ...dependencies("pgbouncer")];
	await run(`${title} (apt-get download)`, "apt-get", ["download", ...names], options);
	for (const name of readdirSync(downloads).filter((one) => one.endsWith(".deb"))) {
		await run(`${title} (${name})`, "dpkg", ["-x", name, debianFiles], options);
	}
}

/**
 * Libraries that a package depends on, and that no system has for certain.
 *
 * @param {string} name
 */
function dependencies(name) {
	const text = execFileSync("apt-cache", ["depends", "--important", name], { encoding: "utf8" });
	const found = [...text.matchAll(/^ +\|?Depends: (lib(?:event|c-ares|cares)[\w.+-]*)$/gm)];
	return found.map(([, library]) => library);
}
