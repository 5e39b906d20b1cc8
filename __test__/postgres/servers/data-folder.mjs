// Data folders of servers: initdb runs once for each version, and each server starts from a copy.

import { execFileSync } from "node:child_process";
import {
	accessSync,
	constants,
	cpSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { postgresFolder } from "../../../scripts/lib/install/postgres.mjs";
import { root } from "../../../scripts/lib/run.mjs";

/** The superuser of every server, and its password. */
export const USERNAME = "postgres";
export const PASSWORD = "p4ss:w@rd/of?tests";

/** PostgreSQL refuses to run as root. */
const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;

/** Options of `spawn` for whoever runs the server. */
export const asServer = isRoot ? { uid: NOBODY, gid: NOBODY } : {};

/** A new empty folder that belongs to whoever runs the server. Its path is short, for sockets lie in there. */
export function serverFolder() {
	const folder = mkdtempSync(join(tmpdir(), "rc-pg-"));
	handOver(folder);
	return folder;
}

/** Gives a folder, and what is in it, to whoever runs the server. */
export function handOver(folder) {
	if (isRoot) execFileSync("chown", ["-R", `${NOBODY}:${NOBODY}`, folder]);
}

/** The folder of a version's programs, {@link reachable} from `folder`. */
export function programs(version, folder) {
	return reachable(postgresFolder(version), folder, `PostgreSQL ${version}`);
}

/**
 * A folder with programs, where whoever runs the server can reach it: a copy in `folder`, where the repository lies in
 * somebody's private folder.
 */
export function reachable(installed, folder, title) {
	if (!existsSync(installed)) throw new Error(`${title} is not installed: run "npm run setup"`);
	if (!isRoot || isOpen(installed)) return installed;
	const copy = join(folder, basename(installed));
	if (!existsSync(copy)) cpSync(installed, copy, { recursive: true, verbatimSymlinks: true });
	return copy;
}

/** True if everybody may enter a folder. */
function isOpen(folder) {
	for (let path = folder; ; path = dirname(path)) {
		if ((statSync(path).mode & constants.S_IXOTH) === 0) return false;
		if (path === dirname(path)) return true;
	}
}

/** Makes the data folder of a new server in `folder`. */
export function makeDataFolder(version, folder) {
	const template = templateOf(version);
	if (!existsSync(template)) makeTemplate(version, template);
	const data = join(folder, "data");
	copyFolder(template, data);
	return data;
}

/** Copies a folder for whoever runs the server. */
export function copyFolder(from, to) {
	execFileSync("cp", ["-R", from, to]);
	execFileSync("chmod", ["-R", "u=rwX,go=", to]);
	handOver(to);
}

/** Its name tells how it was made. */
function templateOf(version) {
	const { version: release } = JSON.parse(readFileSync(join(postgresFolder(version), "../package.json"), "utf8"));
	return join(root, "node_modules/.cache/rootcellar", `postgres-data-1-${release}`);
}

function makeTemplate(version, template) {
	const folder = serverFolder();
	try {
		const passwordFile = join(folder, "password");
		execFileSync("sh", ["-c", 'printf %s "$0" > "$1"', PASSWORD, passwordFile], asServer);
		const data = join(folder, "data");
		execFileSync(
			join(programs(version, folder), "bin/initdb"),
			[
				...["-D", data, "-U", USERNAME, "--auth=scram-sha-256", `--pwfile=${passwordFile}`],
				...["--encoding=UTF8", "--locale=C", "--no-sync", "--wal-segsize=1", "--no-instructions"],
			],
			{ ...asServer, cwd: folder, stdio: ["ignore", "ignore", "pipe"] },
		);
		publish(data, template);
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

/** Puts a folder in its place, where others may do the same. */
function publish(from, to) {
	mkdirSync(dirname(to), { recursive: true });
	const copy = mkdtempSync(`${to}-`);
	try {
		execFileSync("cp", ["-R", `${from}/.`, copy]);
		renameSync(copy, to);
	} catch (error) {
		if (!isThere(to)) throw error;
	} finally {
		rmSync(copy, { recursive: true, force: true });
	}
}

function isThere(path) {
	try {
		accessSync(path);
		return true;
	} catch {
		return false;
	}
}
