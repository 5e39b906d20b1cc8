import { existsSync } from "node:fs";
import { join } from "node:path";
import { npm, root, run } from "../run.mjs";

/** Microsoft's own server for tests of Azure's object store. Later releases need Node 22. */
const PACKAGE = "azurite";
const VERSION = "3.35.0";

const folder = join(root, "node_modules/.cache/rootcellar", `${PACKAGE}-${VERSION}`);

/** The server's program for Node, whether it is installed or not. */
export function azureServerPath() {
	return join(folder, "node_modules", PACKAGE, "dist/src/blob/main.js");
}

/** Installs the server, unless it is there. Not among the development dependencies: it has hundreds of its own. */
export async function installAzureServer() {
	if (existsSync(azureServerPath())) return;
	const title = `Installing ${PACKAGE}, the Azure server of the tests (npm install)`;
	const to = ["--prefix", folder, "--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"];
	const [command, args, options] = npm(["install", ...to, `${PACKAGE}@${VERSION}`]);
	await run(title, command, args, { ...options, hint: "It needs access to the npm registry, and takes about 190 MB." });
}
