// The addon and the core's unit tests, compiled for another platform: with Zig as the C compiler and linker, and with the
// standard library from its sources, for there need not be a compiled one.

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { TEST_FEATURES } from "../addon.mjs";
import { run } from "../run.mjs";
import { unpackNewer } from "./debian.mjs";
import { platformsFolder } from "./folder.mjs";
import { installTools, toolOfPython, zigPath } from "./packages.mjs";

/**
 * What is built for a platform.
 *
 * @typedef {{ addon: string, tests: string }} Built
 */

/** The version of the compiler. The standard library has to be of the same. */
function rustVersion() {
	return execFileSync("rustc", ["--version"], { encoding: "utf8" }).split(" ")[1] ?? "";
}

/** Fetches what every platform is built with, unless it is there; the sources of the standard library. */
export async function prepareBuild() {
	await installTools();
	const version = rustVersion();
	const folder = join(platformsFolder, "rust-src");
	const library = `usr/src/rustc-${version}/library`;
	const accepts = (/** @type {string} */ found) => found.startsWith(`${version}+`);
	await unpackNewer(folder, join(library, "Cargo.lock"), "rust-src", accepts, `rust-src of version ${version}`);
	return join(folder, library);
}

/**
 * Builds for a target, in a profile that compiles quickly.
 *
 * @param {string} target - Rust's name of it, with the version of the C library as cargo-zigbuild has it.
 * @param {{ env?: NodeJS.ProcessEnv, exportsFile?: string }} [settings] - Variables; a file that names what the addon exports.
 * @returns {Promise<Built>}
 */
export async function buildFor(target, { env: settings, exportsFile } = {}) {
	const library = await prepareBuild();
	const env = {
		// Compiling the standard library, and where its sources are, are for nightly compilers, and for Cargo's own tests.
		RUSTC_BOOTSTRAP: "1",
		__CARGO_TESTS_ONLY_SRC_ROOT: library,
		CARGO_ZIGBUILD_ZIG_PATH: zigPath,
		CARGO_ZIGBUILD_CACHE_DIR: join(platformsFolder, "zigbuild"),
		ZIG_GLOBAL_CACHE_DIR: join(platformsFolder, "zig-cache"),
		ZIG_LOCAL_CACHE_DIR: join(platformsFolder, "zig-cache"),
		CARGO_TARGET_DIR: join(platformsFolder, "build"),
		CARGO_PROFILE_DEV_DEBUG: "false",
		CARGO_INCREMENTAL: "0",
		...settings,
	};
	const cargo = async (
		/** @type {string} */ what,
		/** @type {string[]} */ command,
		/** @type {string[]} */ last = [],
	) => {
		const std = ["-Z", "build-std=std,panic_unwind", "--target", target, "--lib", ...TEST_FEATURES];
		const args = [...command, ...std, "--message-format", "json-render-diagnostics", ...last];
		const title = `Building ${what} for ${target} (cargo-zigbuild)`;
		const output = await run(title, toolOfPython("cargo-zigbuild"), args, { env, keepsStdout: true });
		const messages = output.split("\n").filter((line) => line.startsWith("{"));
		return messages.map((line) => JSON.parse(line)).filter(({ target: built }) => built?.name === "rootcellar");
	};
	const linkArgs = exportsFile === undefined ? [] : ["--", "-C", `link-arg=${exportsFile}`];
	const libraries = await cargo("the addon", exportsFile === undefined ? ["zigbuild"] : ["rustc"], linkArgs);
	const addon = libraries
		.flatMap(({ filenames = [] }) => filenames)
		.find((/** @type {string} */ name) => /\.(?:so|dll)$/.test(name));
	const programs = await cargo("the unit tests", ["test", "--no-run"]);
	const tests = programs.find(({ executable, profile }) => executable && profile?.test)?.executable;
	if (addon === undefined || tests === undefined) throw new Error("Cargo has not named what it has built");
	return { addon, tests };
}
