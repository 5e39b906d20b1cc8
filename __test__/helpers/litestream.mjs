// Litestream's own program, as another reader and writer of backups.

import { execFile, spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { expect, onTestFinished } from "vitest";
import { CLI_VERSIONS, cliPath } from "../../scripts/lib/litestream.mjs";

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
