import { existsSync, readdirSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { root, runTool } from "./run.mjs";

const { platformSuffix } = createRequire(import.meta.url)("../../lib/native/binding.js");

/** What the addon is made of. */
const SOURCES = ["Cargo.toml", "Cargo.lock", "build.rs", ".cargo", "src"];

/** This platform, by napi-rs's name for it. */
export const suffix = platformSuffix();

/** Where the addon of this platform is built to. */
export const binaryPath = join(root, `rootcellar.${suffix}.node`);

/** Builds the addon, unless it is newer than everything that it is made of. */
export function buildAddon() {
	if (binaryIsCurrent()) return;
	const args = ["build", "--platform", "--release"];
	// The JavaScript and the types are written by hand; the generated types go where nobody reads them.
	// The faults that the tests inject are in this binary, and not in one that is published.
	args.push("--no-js", "--dts", "target/addon.d.ts", "--features", "faults");
	if (existsSync(join(root, "Cargo.lock"))) args.push("--", "--locked");
	const hint = "It needs a Rust toolchain (https://rustup.rs) and a C compiler.";
	runTool("Building the native addon (takes a minute or more the first time)", "@napi-rs/cli", args, { hint });
}

function binaryIsCurrent() {
	if (!existsSync(binaryPath)) return false;
	const built = statSync(binaryPath).mtimeMs;
	return SOURCES.map((name) => join(root, name)).every((path) => newestChange(path) <= built);
}

/**
 * The last change of a file, or of a folder and everything in it, in milliseconds since 1970; 0 for what does
 * not exist. A folder's own time tells of removed files.
 *
 * @param {string} path
 * @returns {number}
 */
function newestChange(path) {
	const stats = statSync(path, { throwIfNoEntry: false });
	if (stats === undefined) return 0;
	if (!stats.isDirectory()) return stats.mtimeMs;
	return Math.max(stats.mtimeMs, ...readdirSync(path).map((name) => newestChange(join(path, name))));
}
