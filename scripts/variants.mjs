// Switches off one check at a time, in a copy of the sources, and sees a test fail for each: `npm run test:variants`; with
// `-- <file> ...` only in files whose path contains one of these texts. A variant that no test notices is a failure.

import { spawnSync } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { binaryPath, TEST_FEATURES } from "./lib/addon.mjs";
import { installPackages } from "./lib/install/packages.mjs";
import { main, root, StepFailure, toolPath } from "./lib/run.mjs";
import { prepareExtendedTests, prepareSqliteLibraries } from "./lib/setup.mjs";
import { variants } from "./lib/variants.mjs";

const SOURCES = [".cargo", "Cargo.toml", "Cargo.lock", "build.rs", "benches", "fuzz", "patches", "src", "tests"];

const PACKAGE = ["__test__", "index.js", "index.mjs", "lib", "package.json", "scripts", "vitest.config.mjs"];

/** File name of the addon that cargo builds. */
const libraryName =
	process.platform === "win32" ? "rootcellar.dll" : `librootcellar.${process.platform === "darwin" ? "dylib" : "so"}`;

const target = join(root, "target");
const copy = join(target, "variants");
const env = { ...process.env, CARGO_TARGET_DIR: target };

/** The tests of the core that fail. */
function failingCargo(/** @type {string[]} */ tests) {
	const { stdout } = command("cargo", ["test", ...TEST_FEATURES, ...tests]);
	return [...stdout.matchAll(/^test (\S+) \.\.\. FAILED$/gm)].map(([, test]) => test);
}

/** The tests of the package that fail, with an addon of its own. */
function failingVitest(/** @type {string[]} */ tests) {
	const built = command("cargo", ["build", "--lib", ...TEST_FEATURES]);
	if (built.status !== 0) throw new StepFailure("Building the addon of a variant", built.stderr);
	copyFileSync(join(target, "debug", libraryName), join(copy, basename(binaryPath)));
	const { stdout } = command(process.execPath, [toolPath("vitest"), "run", "--reporter=json", ...tests]);
	const { testResults } = JSON.parse(stdout.slice(stdout.indexOf("{")));
	return testResults
		.flatMap((/** @type {any} */ file) => file.assertionResults)
		.filter((/** @type {any} */ test) => test.status === "failed")
		.map((/** @type {any} */ test) => `"${test.title}"`);
}

function command(/** @type {string} */ program, /** @type {string[]} */ args) {
	return spawnSync(program, args, { cwd: copy, env, encoding: "utf8", maxBuffer: 64 << 20 });
}

/** Returns whether a test fails when a check is switched off. */
function isNoticed(/** @type {import("./lib/variants.mjs").Variant} */ { name, file, from, to, cargo, vitest = [] }) {
	const path = join(copy, file);
	const source = readFileSync(path, "utf8");
	if (!source.includes(from)) throw new StepFailure(name, `${file} has changed: say anew what to switch off`);
	writeFileSync(path, source.replace(from, to));
	const failed = cargo ? failingCargo(cargo) : failingVitest(vitest);
	writeFileSync(path, source);
	console.log(`${name}: ${failed.length === 0 ? "not noticed" : `noticed by ${failed.join(", ")}`}`);
	return failed.length > 0;
}

/** @param {import("./lib/variants.mjs").Variant} variant */
function isWanted({ file }) {
	const wanted = process.argv.slice(2);
	return wanted.length === 0 || wanted.some((part) => file.includes(part));
}

await main(async () => {
	await Promise.all([installPackages().then(prepareSqliteLibraries), prepareExtendedTests()]);
	rmSync(copy, { recursive: true, force: true });
	mkdirSync(copy, { recursive: true });
	for (const name of [...SOURCES, ...PACKAGE]) cpSync(join(root, name), join(copy, name), { recursive: true });
	symlinkSync(join(root, "node_modules"), join(copy, "node_modules"), "junction");
	const unnoticed = variants.filter(isWanted).filter((variant) => !isNoticed(variant));
	rmSync(copy, { recursive: true, force: true });
	if (unnoticed.length > 0) {
		throw new StepFailure("Switching off one check at a time", `${unnoticed.length} were not noticed`);
	}
});
