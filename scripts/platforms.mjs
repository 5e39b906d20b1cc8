// Builds for the platforms that can be run here beside the own one, and runs on each what a bot does in its life, and the
// unit tests of the core: `npm run test:platforms [-- <name> ...]`. What is fetched and built is kept in
// `target/platforms`, and used again.

import { statSync } from "node:fs";
import { installPackages } from "./lib/install/packages.mjs";
import { buildFor, prepareBuild } from "./lib/platforms/build.mjs";
import { PLATFORMS } from "./lib/platforms/machines.mjs";
import { runScenario, runUnitTests, stagePackage } from "./lib/platforms/run.mjs";
import { printTable } from "./lib/platforms/table.mjs";
import { main, StepFailure } from "./lib/run.mjs";

const names = process.argv.slice(2);

/** @param {import("./lib/platforms/machines.mjs").Platform} platform */
async function test({ name, suffix, target, how, setUp, buildSettings }) {
	const row = { name, target, how };
	const started = performance.now();
	try {
		const machine = await setUp();
		const { addon, tests } = await buildFor(target, buildSettings?.());
		const builtMs = performance.now() - started;
		const packageFolder = stagePackage(name, suffix, addon);
		const scenario = await runScenario(name, machine, packageFolder);
		const unitTests = await runUnitTests(name, machine, tests);
		const ranMs = performance.now() - started - builtMs;
		return { ...row, bytes: statSync(addon).size, scenario, unitTests, builtMs, ranMs };
	} catch (error) {
		if (!(error instanceof StepFailure)) throw error;
		return { ...row, problem: `${error.title}: ${error.message}` };
	}
}

await main(async () => {
	const unknown = names.filter((name) => !PLATFORMS.some((platform) => platform.name === name));
	if (unknown.length > 0) {
		const known = PLATFORMS.map(({ name }) => name).join(", ");
		throw new StepFailure("Testing platforms", `there is no ${unknown.join(", ")}; there are ${known}`);
	}
	await installPackages();
	await prepareBuild();
	const rows = [];
	for (const platform of PLATFORMS.filter(({ name }) => names.length === 0 || names.includes(name))) {
		rows.push(await test(platform));
	}
	if (!printTable(rows)) process.exitCode = 1;
});
