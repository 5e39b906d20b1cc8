import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root, run } from "../run.mjs";

const folder = join(root, "node_modules/.cache/rootcellar/debian");
const downloads = join(folder, "packages");

/** Packages wanted of Debian, beside the version of PostgreSQL that it has. */
const PACKAGES = ["patroni", "etcd-server", "haproxy", "pgbouncer", "libfaketime"];

/** Has the names of the packages that are unpacked. */
const unpacked = join(folder, "unpacked");

/** Files of Debian that the long tests use: a folder that has `usr`, whether it is there or not. */
export const debianFiles = join(folder, "files");

/** Programs in that folder: the pooler before PostgreSQL, and what runs a cluster of servers that fail over by themselves. */
export const PGBOUNCER = "usr/sbin/pgbouncer";
export const PATRONI = "usr/bin/patroni";
export const ETCD = "usr/bin/etcd";
export const HAPROXY = "usr/sbin/haproxy";

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

/**
 * The folder of PostgreSQL's programs among those files, which has those for standbys, too.
 *
 * @param {string} [files]
 */
export function debianPostgres(files = debianFiles) {
	const versions = join(files, "usr/lib/postgresql");
	const [version = ""] = existsSync(versions) ? readdirSync(versions) : [];
	return join(versions, version, "bin");
}

/** The library that gives a process another clock, whether it is there or not. */
export function fakeClockPath() {
	return join(debianLibraries(), "faketime/libfaketimeMT.so.1");
}

/** Fetches packages and unpacks them here, unless they are there. Nothing of the system is changed, so that it takes no root. */
export async function installDebianPackages() {
	const title = "Fetching PostgreSQL, Patroni, etcd, HAProxy, pgbouncer and libfaketime for the long tests";
	const hint = "It needs Debian or Ubuntu, with the lists of apt-get update.";
	if (existsSync(unpacked) && readFileSync(unpacked, "utf8") === PACKAGES.join(" ")) return;
	const wanted = [...PACKAGES];
	const depends = await run(`${title} (apt-cache depends)`, "apt-cache", ["depends", "postgresql"], { hint });
	for (const [, version] of depends.matchAll(/^ +Depends: postgresql-(\d+)$/gm)) {
		wanted.push(`postgresql-${version}`, `postgresql-client-${version}`);
	}
	mkdirSync(downloads, { recursive: true });
	const args = ["--simulate", "--no-install-recommends", "install", ...wanted];
	const plan = await run(`${title} (apt-get --simulate)`, "apt-get", args, { hint, keepsStdout: true });
	// Packages that the system lacks. It may have some of those that are wanted, without everything that they need being found
	// there.
	const lacking = [...plan.matchAll(/^Inst (\S+) \(/gm)].map(([, name]) => name);
	const names = [...new Set([...wanted, ...lacking])];
	await run(`${title} (apt-get download)`, "apt-get", ["download", ...names], { cwd: downloads, hint });
	for (const name of readdirSync(downloads).filter((one) => one.endsWith(".deb"))) {
		execFileSync("dpkg", ["-x", name, debianFiles], { cwd: downloads });
	}
	writeFileSync(unpacked, PACKAGES.join(" "));
}
