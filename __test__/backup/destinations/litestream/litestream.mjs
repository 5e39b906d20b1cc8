// Litestream's own program and library, as other readers and writers of backups.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, onTestFinished } from "vitest";
import { CLI_VERSIONS, cliPath, vfsPath } from "../../../../scripts/lib/install/litestream.mjs";
import { nodePath } from "../../../../scripts/lib/install/nodes.mjs";

const read = fileURLToPath(new URL("./read.cjs", import.meta.url));

/** The releases that are installed. All have to be where they are required; elsewhere the test says what it left out. */
export function installed(versions = CLI_VERSIONS, pathOf = cliPath) {
	const found = versions.filter((version) => existsSync(pathOf(version)));
	if (process.env.ROOTCELLAR_TEST_LITESTREAM === "required") expect(found).toEqual(versions);
	if (found.length < versions.length)
		console.log(`Litestream: only ${found.join(", ") || "nothing"} of ${versions.join(", ")} is installed`);
	return found;
}

/** Has a release restore what is at a URL. */
export async function restoreFrom(url, version, output, args = [], env = {}) {
	const options = { env: { PATH: process.env.PATH, ...env } };
	await promisify(execFile)(cliPath(version), ["restore", "-o", output, ...args, url], options);
}

/**
 * Has a release of the library for SQLite open what is at a URL, in a Node that has SQLite with extensions. Resolves with
 * the rows of a query, and the path of the file that the library fills with what is there, in its own time.
 */
export async function readThrough(url, version, query, directory, env = {}) {
	const filled = join(directory, `filled-${version}.sqlite3`);
	const child = spawn(nodePath(24), [read, vfsPath(version), query], {
		env: {
			...process.env,
			...env,
			LITESTREAM_REPLICA_URL: url,
			LITESTREAM_HYDRATION_ENABLED: "true",
			LITESTREAM_HYDRATION_PATH: filled,
		},
		stdio: ["pipe", "pipe", "ignore"],
	});
	const ended = once(child, "exit");
	onTestFinished(() => child.kill("SIGKILL"));
	const failed = ended.then(() => {
		throw new Error(`the library ${version} cannot open ${url}`);
	});
	const [line] = await Promise.race([once(createInterface({ input: child.stdout }), "line"), failed]);
	const end = async () => {
		child.stdin.end();
		await ended;
	};
	return { rows: JSON.parse(line), filled, end };
}

/** Has a release copy a database to an object store until the test ends, or it is killed. */
export function replicate(database, replica, version, env) {
	const configuration = `${database}.json`;
	writeFileSync(configuration, JSON.stringify({ dbs: [{ path: database, replica }] }));
	const options = { stdio: "ignore", env: { PATH: process.env.PATH, ...env } };
	const child = spawn(cliPath(version), ["replicate", "-config", configuration], options);
	onTestFinished(() => child.kill("SIGKILL"));
	return child;
}

/** Has a release restore what is at an object store, which is described as in its configuration file. */
export async function restoreReplica(replica, version, output, args = [], env = {}) {
	const [database, configuration] = [`${output}.original`, `${output}.json`];
	// Its language for configurations has JSON as a part.
	writeFileSync(configuration, JSON.stringify({ dbs: [{ path: database, replica }] }));
	await restoreFrom(database, version, output, ["-config", configuration, ...args], env);
}
