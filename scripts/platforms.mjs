// Builds for the platforms that can be run here beside the own one, and runs on each what a bot does in its life, and the
// unit tests of the core; checks the types for others: `npm run test:platforms [-- <name> ...]`. What is fetched and built is
// kept in `target/platforms`, and used again.

import { statSync } from "node:fs";
import { installPackages } from "./lib/install/packages.mjs";
import { buildFor, prepareBuild } from "./lib/platforms/build.mjs";
import { CHECKED_PLATFORMS, checkFor } from "./lib/platforms/check.mjs";
import { PLATFORMS } from "./lib/platforms/machines.mjs";
import { runScenario, runUnitTests, stagePackage } from "./lib/platforms/run.mjs";
import { printTable } from "./lib/platforms/table.mjs";
import { main, StepFailure } from "./lib/run.mjs";

const names = process.argv.slice(2);

/** @typedef {import("./lib/platforms/table.mjs").Row} Row */

/** @param {import("./lib/platforms/machines.mjs").Platform} platform */
function test({ name, suffix, target, how, setUp, buildSettings }) {
	return rowOf({ name, target, how }, async (started) => {
		const machine = await setUp();
		const { addon, tests } = await buildFor(target, buildSettings?.());
		const builtMs = performance.now() - started;
		const packageFolder = stagePackage(name, suffix, addon);
		const scenario = await runScenario(name, machine, packageFolder);
		const unitTests = await runUnitTests(name, machine, tests);
		const ranMs = performance.now() - started - builtMs;
		return { bytes: statSync(addon).size, scenario, unitTests, builtMs, ranMs };
	});
}

/** @param {import("./lib/platforms/check.mjs").CheckedPlatform} platform */
function check(platform) {
	const { name, target } = platform;
	return rowOf({ name, target, how: "" }, async (started) => {
		const complaints = await checkFor(platform);
		return { complaints, builtMs: performance.now() - started };
	});
}

/**
 * @param {Row} row
 * @param {(started: number) => Promise<Partial<Row>>} work
 * @returns {Promise<Row>}
 */
async function rowOf(row, work) {
	try {
		return { ...row, ...(await work(performance.now())) };
	} catch (error) {
		if (!(error instanceof StepFailure)) throw error;
		return { ...row, problem: `${error.title}: ${error.message}` };
	}
}

await main(async () => {
	const known = [...PLATFORMS, ...CHECKED_PLATFORMS].map(({ name }) => name);
	const unknown = names.filter((name) => !known.includes(name));
	if (unknown.length > 0) {
		throw new StepFailure("Testing platforms", `there is no ${unknown.join(", ")}; there are ${known.join(", ")}`);
	}
	await installPackages();
	await prepareBuild();
	const rows = [];
	const isNamed = (/** @type {{ name: string }} */ { name }) => names.length === 0 || names.includes(name);
	for (const platform of CHECKED_PLATFORMS.filter(isNamed)) rows.push(await check(platform));
	for (const platform of PLATFORMS.filter(isNamed)) rows.push(await test(platform));
	if (!printTable(rows)) process.exitCode = 1;
});
