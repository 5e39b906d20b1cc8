// Builds what is missing and measures rootcellar beside its peers: `npm run bench`; see benchmark/README.md.

import { join } from "node:path";
import { buildAddon } from "./lib/addon.mjs";
import { root, run } from "./lib/run.mjs";
import { installPackages, prepareSqliteLibraries } from "./lib/setup.mjs";

const args = process.argv.slice(2);
if (!["--help", "--list", "--from"].some((option) => args.includes(option))) {
	installPackages();
	prepareSqliteLibraries();
	buildAddon();
}
run("Measuring (benchmark)", process.execPath, [join(root, "benchmark", "run.mjs"), ...args]);
