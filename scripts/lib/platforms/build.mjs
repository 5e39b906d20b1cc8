// The addon and the core's unit tests, compiled for another platform: with Zig as the C compiler and linker, and with the
// standard library from its sources, because there need not be a compiled one.

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { TEST_FEATURES } from "../addon.mjs";
import { run } from "../run.mjs";
import { unpackNewer } from "./debian.mjs";
import { platformsFolder } from "./folder.mjs";
import { installTools, toolOfPython, zigPath } from "./packages.mjs";

/**
 * Binaries that are built for a platform.
 *
 * @typedef {{ addon: string, tests: string }} Built
 */

/**
 * Fetches what every platform is built with, unless it is there.
 *
 * @returns {Promise<string>} The folder of the standard library's sources, which have to be of the compiler's version.
 */
export async function prepareBuild() {
	await installTools();
	const own = join(askCompiler("--print", "sysroot"), "lib/rustlib/src/rust/library");
	if (existsSync(join(own, "Cargo.lock"))) return own;
	const version = askCompiler("--version").split(" ")[1] ?? "";
	const folder = join(platformsFolder, "rust-src");
	const library = `usr/src/rustc-${version}/library`;
	await unpackNewer(folder, `unpacked-${version}`, "rust-src", sourcesFor(version));
	return join(folder, library);
}

/** @param {string[]} args */
function askCompiler(...args) {
	return execFileSync("rustc", args, { encoding: "utf8" }).trim();
}

/**
 * The sources that a compiler can be used with.
 *
 * @param {string} version
 * @returns {import("./debian.mjs").Wanted}
 */
export function sourcesFor(version) {
	return {
		accepts: (found) => found.startsWith(`${version}+`),
		called: `${version}, the version of the compiler`,
		hint: "rustup component add rust-src has the sources of the very compiler.",
	};
}

/**
 * The environment in which Cargo compiles for another platform.
 *
 * @returns {Promise<NodeJS.ProcessEnv>}
 */
export async function buildVariables() {
	return {
		// Compiling the standard library, and where its sources are, are for nightly compilers, and for Cargo's own tests.
		RUSTC_BOOTSTRAP: "1",
		__CARGO_TESTS_ONLY_SRC_ROOT: await prepareBuild(),
		CARGO_ZIGBUILD_ZIG_PATH: zigPath,
		CARGO_ZIGBUILD_CACHE_DIR: join(platformsFolder, "zigbuild"),
		ZIG_GLOBAL_CACHE_DIR: join(platformsFolder, "zig-cache"),
		ZIG_LOCAL_CACHE_DIR: join(platformsFolder, "zig-cache"),
		CARGO_TARGET_DIR: join(platformsFolder, "build"),
		CARGO_PROFILE_DEV_DEBUG: "false",
		CARGO_INCREMENTAL: "0",
	};
}

/**
 * Builds for a target, in a profile that compiles quickly.
 *
 * @param {string} target - Rust's name of it, with the version of the C library as cargo-zigbuild has it.
 * @param {{ env?: NodeJS.ProcessEnv, exportsFile?: string }} [settings] - Variables; a file that names what the addon exports.
 * @returns {Promise<Built>}
 */
export async function buildFor(target, { env: settings, exportsFile } = {}) {
	const env = { ...(await buildVariables()), ...settings };
	const cargo = async (
		/** @type {string} */ what,
		/** @type {string[]} */ command,
		/** @type {string[]} */ last = [],
	) => {
		// All of it each time, because every crate is compiled once more for another choice.
		const std = ["-Z", "build-std=std,panic_unwind,test", "--target", target, "--lib", ...TEST_FEATURES];
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
