import { existsSync } from "node:fs";
import { join } from "node:path";
import { npm, root, run } from "../run.mjs";

/** Package managers besides npm that the rehearsal of a release installs the package with. */
const MANAGERS = [
	{ name: "pnpm", version: "10.34.8", program: "bin/pnpm.cjs" },
	{ name: "yarn", version: "1.22.22", program: "bin/yarn.js" },
];

/** @param {{ name: string, version: string }} manager */
const folderOf = ({ name, version }) => join(root, "node_modules/.cache/rootcellar", `${name}-${version}`);

/**
 * Program of a package manager for Node, whether it is installed or not.
 *
 * @param {string} name
 */
export function managerPath(name) {
	const manager = MANAGERS.find((one) => one.name === name);
	if (manager === undefined) throw new Error(`${name} is not installed for tests`);
	return join(folderOf(manager), "node_modules", name, manager.program);
}

/** Installs the package managers, unless they are there. Each has no dependencies. */
export async function installManagers() {
	for (const { name, version } of MANAGERS.filter((manager) => !existsSync(managerPath(manager.name)))) {
		const folder = folderOf({ name, version });
		const to = ["--prefix", folder, "--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"];
		const [command, args, options] = npm(["install", ...to, `${name}@${version}`]);
		const title = `Installing ${name} for the rehearsal of a release (npm install)`;
		await run(title, command, args, { ...options, hint: "It needs access to the npm registry." });
	}
}
