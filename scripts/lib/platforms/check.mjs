// Type checks for platforms that cannot be run here: all that Rust's compiler says before it makes a program, with the
// C parts compiled by Zig.

import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TEST_FEATURES } from "../addon.mjs";
import { run } from "../run.mjs";
import { buildVariables } from "./build.mjs";
import { platformsFolder } from "./folder.mjs";
import { toolOfPython, zigPath } from "./packages.mjs";

/**
 * A platform that is only checked: napi-rs's name, Rust's target, and variables for it.
 *
 * @typedef {{ name: string, target: string, variables?: () => NodeJS.ProcessEnv }} CheckedPlatform
 */

/** @type {CheckedPlatform[]} */
export const CHECKED_PLATFORMS = [
	{ name: "darwin-arm64", target: "aarch64-apple-darwin" },
	{ name: "win32-x64-msvc", target: "x86_64-pc-windows-msvc", variables: makeMsvcTools },
];

/**
 * Checks the addon for a platform. Returns the warnings and errors about this crate, as the compiler prints them.
 *
 * @param {CheckedPlatform} platform
 * @returns {Promise<string[]>}
 */
export async function checkFor({ target, variables }) {
	const env = { ...(await buildVariables()), ...variables?.() };
	const std = ["-Z", "build-std=std,panic_unwind", "--target", target, "--lib", ...TEST_FEATURES];
	const check = (/** @type {string} */ format) => {
		const args = ["check", ...std, "--message-format", format];
		const title = `Checking for ${target} (cargo check)`;
		return run(title, toolOfPython("cargo-zigbuild"), args, { env, keepsStdout: true });
	};
	await check("json-render-diagnostics");
	// Once more for the messages themselves: in the format that shows them they are not handed over, and nothing is compiled.
	const output = await check("json");
	return output
		.split("\n")
		.filter((line) => line.startsWith("{"))
		.map((line) => JSON.parse(line))
		.filter(({ reason, target: of }) => reason === "compiler-message" && of?.name === "rootcellar")
		.map(({ message }) => message.rendered);
}

/**
 * Makes a C compiler and an archiver for Microsoft's target, of which cargo-zigbuild has none. The headers are those of
 * the GNU target: nothing is linked, and Microsoft's own are not free.
 */
function makeMsvcTools() {
	const folder = join(platformsFolder, "msvc");
	mkdirSync(folder, { recursive: true });
	const tool = (/** @type {string} */ name, /** @type {string[]} */ lines) => {
		const path = join(folder, name);
		writeFileSync(path, ["#!/bin/sh", ...lines, ""].join("\n"));
		chmodSync(path, 0o755);
		return path;
	};
	const compiler = tool("zig-cc", [
		"for argument; do",
		"	shift",
		'	case "$argument" in --target=*) ;; *) set -- "$@" "$argument" ;; esac',
		"done",
		`exec "${zigPath}" cc -target x86_64-windows-gnu "$@"`,
	]);
	return {
		CC_x86_64_pc_windows_msvc: compiler,
		AR_x86_64_pc_windows_msvc: tool("zig-lib", [`exec "${zigPath}" lib "$@"`]),
	};
}
