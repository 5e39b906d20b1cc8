// Builds what is missing and measures rootcellar beside its peers: `npm run bench`; see benchmark/README.md.

import { join } from "node:path";
import { buildAddon } from "./lib/addon.mjs";
import { installImportedPackages, installPackages } from "./lib/install/packages.mjs";
import { installPostgres } from "./lib/install/postgres.mjs";
import { main, root, runInTerminal } from "./lib/run.mjs";
import { prepareSqliteLibraries } from "./lib/setup.mjs";

const args = process.argv.slice(2);

await main(async () => {
	if (!["--help", "--list", "--from"].some((option) => args.includes(option))) {
		const addon = buildAddon(args.includes("--quick") ? "quick" : "release");
		const packages = installPackages().then(prepareSqliteLibraries).then(installImportedPackages);
		await Promise.all([addon, packages, installPostgres()]);
	}
	await runInTerminal("Measuring (benchmark)", [join(root, "benchmark", "run.mjs"), ...args]);
});
