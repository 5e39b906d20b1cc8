import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { npm, root, run } from "../run.mjs";

/** Folder of the packages that only the extended tests need: other runtimes, and large libraries. */
export const extendedFolder = join(root, "__test__", "extended");

/** Folder of the libraries whose files the importers read. */
export const importedFolder = join(root, "__test__", "import", "packages");

/** Folder of the PostgreSQL server that the tests start. */
export const postgresPackages = join(root, "__test__", "postgres", "packages");

/** Installs the development dependencies, unless they are there. */
export async function installPackages() {
	await installInto(root, "Installing the development dependencies (npm install)");
}

/** Installs the packages that only the extended tests need, unless they are there. */
export async function installExtendedPackages() {
	await installInto(extendedFolder, "Installing packages for the extended tests (npm install)");
	await installImportedPackages();
}

/** Installs the libraries whose files the importers read, unless they are there. */
export async function installImportedPackages() {
	await installInto(importedFolder, "Installing the libraries that the importers know (npm install)");
}

/** Installs the server that the tests start. */
export async function installServerPackages() {
	await npmInstall(postgresPackages, "Installing PostgreSQL for the tests (npm install)");
}

/**
 * Installs what the package.json of a folder asks for, unless its node_modules holds what its lock file says.
 *
 * @param {string} folder
 * @param {string} title
 */
async function installInto(folder, title) {
	if (!packagesAreInstalled(folder)) await npmInstall(folder, title);
}

/**
 * Installs what the package.json of a folder asks for.
 *
 * Not with `npm ci`: that insists on a lock file with the tools' optional packages for every other platform,
 * and an npm that cannot see those writes a lock file without them.
 *
 * @param {string} folder
 * @param {string} title
 */
async function npmInstall(folder, title) {
	// A script that npm runs has its folder in the environment, which counts for more than the one it is in.
	const where = ["--prefix", folder];
	const [command, args, options] = npm([
		"install",
		...where,
		"--ignore-scripts",
		"--no-save",
		"--no-audit",
		"--no-fund",
	]);
	await run(title, command, args, { ...options, cwd: folder });
}

/**
 * Compares the lock file with the copy of it that npm leaves in node_modules when it is done.
 *
 * @param {string} folder
 */
function packagesAreInstalled(folder) {
	const wanted = lockedPackages(join(folder, "package-lock.json"));
	const installed = lockedPackages(join(folder, "node_modules", ".package-lock.json"));
	return Object.entries(wanted).every(([path, { integrity, optional }]) => {
		if (path === "") return true;
		// An optional package may be one for another platform.
		return path in installed ? installed[path].integrity === integrity : optional === true;
	});
}

/**
 * @param {string} path
 * @returns {Record<string, { integrity?: string, optional?: boolean }>}
 */
function lockedPackages(path) {
	return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")).packages : {};
}
