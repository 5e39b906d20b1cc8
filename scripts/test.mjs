// Builds what is missing and runs tests. Every part is run, also where an earlier one fails.
//
// `npm test` runs the core's, `npm run test:all` also those that are slow, need more (other runtimes, servers, Litestream),
// or stand on the core (adapters, the command line, imports, PostgreSQL, the studio); with `--rest` those alone.
// `npm run test:long` repeats what is random many times more.

import { parseArgs } from "node:util";
import { buildAddon, TEST_FEATURES } from "./lib/addon.mjs";
import { dayArguments } from "./lib/day.mjs";
import { installPackages } from "./lib/install/packages.mjs";
import { installPostgres } from "./lib/install/postgres.mjs";
import { part, report } from "./lib/report.mjs";
import { main, run, runTool, StepFailure } from "./lib/run.mjs";
import { filesInMemory } from "./lib/scratch.mjs";
import { prepareExtendedTests, prepareLongTests, prepareSqliteLibraries } from "./lib/setup.mjs";
import { buildStudio } from "./lib/studio.mjs";

const { values: options } = parseArgs({
	options: { all: { type: "boolean" }, rest: { type: "boolean" }, long: { type: "boolean" } },
});

/** Rounds of random tests in the extended project. */
const env = { ROOTCELLAR_TEST_ROUNDS: options.long ? "long" : "many" };

const tsc = (/** @type {string} */ project) => (/** @type {string} */ title) =>
	runTool(title, "typescript", ["-p", project]);

const vitest =
	(/** @type {string} */ project, /** @type {{ env?: NodeJS.ProcessEnv }} */ settings = {}) =>
	(/** @type {string} */ title) =>
		runTool(title, "vitest", ["run", "--project", project], settings);

const cargo =
	(/** @type {string[]} */ args, /** @type {{ env?: NodeJS.ProcessEnv }} */ settings = {}) =>
	(/** @type {string} */ title) =>
		run(title, "cargo", args, settings);

/** Ways in which the key-value tests reach PostgreSQL; {@link file://../__test__/postgres/suite/server.mjs} explains them. */
const waysToPostgres = ["plain", ...(options.long ? ["serializable", "pgbouncer"] : [])];

/**
 * One after another, because each is busy by itself.
 *
 * @param {Promise<unknown>[]} needs
 */
async function keyValueOnPostgres(needs) {
	for (const way of waysToPostgres) {
		const title = `Running the key-value tests on PostgreSQL, ${way} (vitest)`;
		await part(
			title,
			needs,
			vitest("postgres", { env: { ...(options.long && env), ROOTCELLAR_TEST_POSTGRES_WAY: way } }),
		);
	}
}

function ignoreFailure(/** @type {unknown} */ error) {
	if (!(error instanceof StepFailure)) throw error;
}

await main(async () => {
	const packages = installPackages();
	const addon = buildAddon("quick");
	const libraries = packages.then(prepareSqliteLibraries);
	const page = packages.then(buildStudio);
	if (!options.rest) {
		// Those of the extended tests, among which are more rounds of these, lie on the disk.
		const memory = { env: filesInMemory() };
		await Promise.all([
			part("Checking the types of lib/ and scripts/ (tsc)", [packages], tsc("tsconfig.json")),
			part("Checking the types against the SDK's (tsc)", [packages], tsc("__test__/package/types")),
			part("Checking the types of the adapters (tsc)", [packages], tsc("__test__/adapters/types")),
			part("Checking the types of the studio's page (tsc)", [packages], tsc("studio")),
			part("Running the JavaScript tests (vitest)", [addon, libraries, page], vitest("core", memory)),
			part("Running the Rust tests (cargo test)", [addon], cargo(["test", "--no-fail-fast", ...TEST_FEATURES], memory)),
		]);
	}
	if (options.all) {
		// If one of these fails, only its tests fail.
		const extended = prepareExtendedTests().catch(ignoreFailure);
		const long = options.long ? [prepareLongTests()] : [];
		const day = addon.then(() =>
			run("Building what plays a day of backups", "cargo", dayArguments("quick", "--no-run")),
		);
		const rust = ["test", "--no-fail-fast", ...TEST_FEATURES, "--test", "*_rounds", "--test", "*_extended"];
		await Promise.all([
			part("Running the extended Rust tests (cargo test)", [addon, extended], cargo(rust, { env })),
			part(
				"Running the extended JavaScript tests (vitest)",
				[addon, libraries, page, day, extended],
				vitest("extended", { env }),
			),
			keyValueOnPostgres([addon, installPostgres(), ...long]),
			...long.map((prepared) =>
				part("Running the long JavaScript tests (vitest)", [addon, extended, prepared], vitest("long")),
			),
		]);
	}
	if (!report()) process.exitCode = 1;
});
