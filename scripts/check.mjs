// Checks to run before a commit (`npm run check`): formatting, lints, types and the quick tests.

import { buildAddon, TEST_FEATURES } from "./lib/addon.mjs";
import { installPackages } from "./lib/install/packages.mjs";
import { part, report } from "./lib/report.mjs";
import { main, run, runTool } from "./lib/run.mjs";
import { prepareSqliteLibraries } from "./lib/setup.mjs";
import { buildStudio } from "./lib/studio.mjs";

/** Tests that install packages, start other programs, or repeat something at random for a minute. */
const SLOW_TESTS = [
	"backup/restore/in-use.test.mjs",
	"backup/writers/*",
	"benchmark/*",
	"cli/*",
	"coexistence/filename/*",
	"**/*.rounds.test.mjs",
	"docs/backup/*",
	"docs/{example,samples}.test.mjs",
	"package/*",
	"postgres/**",
	"sdk/**",
].map((pattern) => `__test__/${pattern}`);

const excludes = SLOW_TESTS.flatMap((pattern) => ["--exclude", pattern]);
const quickTests = ["run", "--project", "core", ...excludes];

/** @param {string[]} args */
const cargo =
	(...args) =>
	(/** @type {string} */ title) =>
		run(title, "cargo", args);

/** @param {string} name @param {string[]} args */
const tool =
	(name, ...args) =>
	(/** @type {string} */ title) =>
		runTool(title, name, args);

await main(async () => {
	const packages = installPackages();
	const addon = buildAddon("quick");
	const libraries = packages.then(prepareSqliteLibraries);
	const page = packages.then(buildStudio);
	const deny = ["--all-targets", "--", "-D", "warnings"];
	await Promise.all([
		part("Checking the format of the Rust code (cargo fmt)", [], cargo("fmt", "--check")),
		part("Checking how lib/ and src/ are laid out", [], (title) =>
			run(title, process.execPath, ["scripts/layout.mjs"]),
		),
		part("Checking format and lints of the rest (biome)", [packages], tool("@biomejs/biome", "check")),
		part("Checking the types of lib/ and scripts/ (tsc)", [packages], tool("typescript", "-p", "tsconfig.json")),
		part("Checking the types against the SDK's (tsc)", [packages], tool("typescript", "-p", "__test__/package/types")),
		part("Checking the types of the adapters (tsc)", [packages], tool("typescript", "-p", "__test__/adapters/types")),
		part("Checking the types of the studio's page (tsc)", [packages], tool("typescript", "-p", "studio")),
		part("Running the quick JavaScript tests (vitest)", [addon, libraries, page], tool("vitest", ...quickTests)),
		part("Running the quick Rust tests (cargo test)", [addon], cargo("test", ...TEST_FEATURES, "--lib")),
		part("Linting the Rust code (cargo clippy)", [addon], cargo("clippy", ...TEST_FEATURES, ...deny)),
		part(
			"Linting the core alone (cargo clippy)",
			[addon],
			cargo("clippy", "--locked", "--no-default-features", ...deny),
		),
	]);
	if (!report()) process.exitCode = 1;
});
