// Rehearses a release: `npm run release:dry [-- <folder>]`. Checks what may be compiled in; makes the tarballs that can be
// made on this platform, with their bills of materials, in `target/release-dry` unless another folder is named; and runs
// the tests that look into them, and install them with npm, pnpm and yarn.

import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { buildAddon, compileAddon, suffix } from "./lib/addon.mjs";
import { checkDependencies } from "./lib/install/deny.mjs";
import { installManagers } from "./lib/install/managers.mjs";
import { installPackages } from "./lib/install/packages.mjs";
import { pack } from "./lib/pack.mjs";
import { main, root, runTool } from "./lib/run.mjs";
import { buildStudio } from "./lib/studio.mjs";
import { writeBills } from "./release/bills.mjs";

const folder = resolve(process.argv[2] ?? join(root, "target/release-dry"));

await main(async () => {
	const packages = installPackages();
	const [binary] = await Promise.all([
		compileAddon("release"),
		packages.then(installManagers),
		packages.then(buildStudio),
		checkDependencies(),
	]);
	rmSync(folder, { recursive: true, force: true });
	mkdirSync(folder, { recursive: true });
	await pack(binary, folder);
	await writeBills(folder, [suffix]);
	// The tests compare with this build: it has what the release must not have.
	await buildAddon("quick");
	const tests = ["run", "--project", "extended", "__test__/package/release.extended.test.mjs"];
	await runTool("Testing what was packed (vitest)", "vitest", tests, { env: { ROOTCELLAR_RELEASE: folder } });
	console.log(`\n${folder}`);
	for (const name of readdirSync(folder)) console.log(`  ${name}  ${statSync(join(folder, name)).size} bytes`);
});
