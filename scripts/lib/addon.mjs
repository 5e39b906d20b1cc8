import { copyFileSync, existsSync, readFileSync, renameSync, statSync, utimesSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { root, run } from "./run.mjs";

const { platformSuffix } = createRequire(import.meta.url)("../../lib/native/binding.js");

/** This platform, by napi-rs's name for it. */
export const suffix = platformSuffix();

/** Path at which the package, run from this folder, looks for the addon. */
export const binaryPath = join(root, `rootcellar.${suffix}.node`);

/** Cargo features of every build for tests, so that addon and Rust tests share one build. */
export const TEST_FEATURES = ["--features", "faults", "--locked"];

/** The name of a fault, which is in every binary that has faults. */
const FAULT = "ROOTCELLAR_TEST_PANIC_ON_KEY";

/**
 * The two ways to build the addon.
 *
 * `quick` is compiled in a minute, with the faults that the tests inject. `release` is what is published.
 *
 * @typedef {"quick" | "release"} Build
 */

/** @type {Record<Build, { title: string, args: string[] }>} */
const BUILDS = {
	quick: { title: "Building the native addon for tests (cargo build)", args: ["build", "--lib", ...TEST_FEATURES] },
	release: {
		title: "Building the native addon for release (cargo rustc)",
		// Of one type alone: Cargo leaves out link-time optimization, without a word, if there is an rlib beside it.
		args: ["rustc", "--lib", "--crate-type", "cdylib", "--release", "--locked"],
	},
};

/**
 * Builds the addon, as far as it has changed, and puts it where the package looks for it.
 *
 * @param {Build} build
 */
export async function buildAddon(build) {
	replace(await compileAddon(build));
}

/** Returns whether the addon in place could be published: it must not contain the faults that tests inject. */
export function isReleaseBuild() {
	return !readFileSync(binaryPath).includes(FAULT);
}

/**
 * Builds the addon, as far as it has changed, and leaves in place the one that the package loads.
 *
 * @param {Build} build
 * @returns {Promise<string>} Its path.
 */
export async function compileAddon(build) {
	const { title, args } = BUILDS[build];
	const format = ["--message-format", "json-render-diagnostics"];
	const hint = "It needs a Rust toolchain (https://rustup.rs) and a C compiler.";
	const output = await run(title, "cargo", [...args, ...format], { hint, keepsStdout: true });
	return libraryIn(output);
}

/**
 * The dynamic library that Cargo says it has built.
 *
 * @param {string} output - Cargo's messages, one JSON object a line.
 */
function libraryIn(output) {
	for (const line of output.split("\n").filter((text) => text.startsWith("{"))) {
		const { target, filenames = [] } = JSON.parse(line);
		const library = filenames.find((/** @type {string} */ name) => /\.(so|dylib|dll)$/.test(name));
		if (target?.name === "rootcellar" && library !== undefined) return library;
	}
	throw new Error("Cargo has named no dynamic library");
}

/**
 * Puts a library where the package looks for the addon. A process that has loaded the one before keeps it.
 *
 * @param {string} library
 */
function replace(library) {
	if (existsSync(binaryPath) && sameTimeAndSize(library, binaryPath)) return;
	const temporary = `${binaryPath}.${process.pid}.node`;
	const { atime, mtime } = statSync(library);
	copyFileSync(library, temporary);
	utimesSync(temporary, atime, mtime);
	renameSync(temporary, binaryPath);
}

/**
 * @param {string} one
 * @param {string} other
 */
function sameTimeAndSize(one, other) {
	const [a, b] = [statSync(one), statSync(other)];
	return a.size === b.size && Math.abs(a.mtimeMs - b.mtimeMs) < 1;
}
