// What to run before a commit: formatting, lints, types and the quick tests: `npm run check`.

import { buildAddon } from "./lib/addon.mjs";
import { run, runTool } from "./lib/run.mjs";
import { installPackages, prepareTests } from "./lib/setup.mjs";

/** Tests that install packages, start other programs, or repeat something at random for a minute. */
const SLOW_TESTS = [
	"backup/destinations/*",
	"backup/loss/*",
	"backup/restore/in-use.test.mjs",
	"backup/writers/*",
	"benchmark/*",
	"cli/*",
	"coexistence/**",
	"crash/crash.test.mjs",
	"docs/{backup,example,samples}.test.mjs",
	"faults/faults.test.mjs",
	"key-value/linearizability/linearizability.test.mjs",
	"package/*",
	"process/leaks.test.mjs",
	"process/workers/*",
	"runtimes/*",
	"sdk/**",
].map((pattern) => `__test__/${pattern}`);

/** @param {string[]} features */
const clippy = (features) => ["clippy", ...features, "--all-targets", "--", "-D", "warnings"];

installPackages();
prepareTests();
run("Checking the format of the Rust code (cargo fmt)", "cargo", ["fmt", "--check"]);
run("Linting the Rust code (cargo clippy)", "cargo", clippy([]));
run("Linting the Rust core alone (cargo clippy)", "cargo", clippy(["--no-default-features"]));
runTool("Checking format and lints of the rest (biome)", "@biomejs/biome", ["check"]);
buildAddon();
runTool("Checking the types of lib/ and scripts/ (tsc)", "typescript", ["-p", "tsconfig.json"]);
runTool("Checking the types against the SDK's (tsc)", "typescript", ["-p", "__test__/package/types"]);
runTool("Checking the types of the adapters (tsc)", "typescript", ["-p", "__test__/adapters/types"]);
const excludes = SLOW_TESTS.flatMap((pattern) => ["--exclude", pattern]);
runTool("Running the quick JavaScript tests (vitest)", "vitest", ["run", ...excludes]);
run("Running the quick tests of the Rust core (cargo test)", "cargo", ["test", "--no-default-features", "--lib"]);
