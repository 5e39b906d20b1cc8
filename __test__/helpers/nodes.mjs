// The versions of Node that the tests run programs with.

import { existsSync } from "node:fs";
import { nodePath } from "../../scripts/lib/install/nodes.mjs";

/** The executable of Node 22 or 24. */
export function nodeBinary(major) {
	const path = nodePath(major);
	if (!existsSync(path)) throw new Error(`Node ${major} is not installed: run "npm run setup"`);
	return path;
}
