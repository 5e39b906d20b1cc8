// Builds what is missing and runs every test: `npm test`. With `--long` (`npm run test:long`) the tests that repeat
// something at random do so many times more.

import { buildAddon } from "./lib/addon.mjs";
import { dayArguments } from "./lib/day.mjs";
import { run, runTool } from "./lib/run.mjs";
import { installPackages, prepareTests } from "./lib/setup.mjs";

if (process.argv.includes("--long")) process.env.ROOTCELLAR_LONG_TESTS = "1";
installPackages();
prepareTests();
buildAddon();
run("Building what plays a day of backups for the benchmark's test", "cargo", [...dayArguments("dev"), "--no-run"]);
runTool("Checking the types of lib/ and scripts/ (tsc)", "typescript", ["-p", "tsconfig.json"]);
runTool("Checking the types against the SDK's (tsc)", "typescript", ["-p", "__test__/package/types"]);
runTool("Checking the types of the adapters (tsc)", "typescript", ["-p", "__test__/adapters/types"]);
runTool("Running the JavaScript tests (vitest)", "vitest", ["run"]);
const cargoTest = ["test", "--no-default-features", "--locked"];
run("Running the tests of the Rust core (cargo test)", "cargo", cargoTest);
