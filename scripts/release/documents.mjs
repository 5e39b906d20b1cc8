// The documents of packages: the licence, and those of what others have written.

import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../lib/run.mjs";
import { compiledCrates } from "./crates.mjs";
import { bundledPackages } from "./page.mjs";
import { thirdPartyOfBinary, thirdPartyOfPage } from "./third-party.mjs";

/** Name of the document that lists what is compiled in. */
export const THIRD_PARTY = "THIRD-PARTY.md";

/**
 * Rust's name of a platform that binaries are published for.
 *
 * @param {string} suffix - napi-rs's name of it.
 */
export function targetOf(suffix) {
	const [system = "", processor = "", abi] = suffix.split("-");
	const machine = { x64: "x86_64", arm64: "aarch64" }[processor];
	const rest = { linux: `unknown-linux-${abi}`, darwin: "apple-darwin", win32: `pc-windows-${abi}` }[system];
	const target = `${machine}-${rest}`;
	const { napi } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
	if (!napi.targets.includes(target)) throw new Error(`no binary is published for ${suffix}`);
	return target;
}

/**
 * Puts the document of the main package into its folder.
 *
 * @param {string} folder
 */
export async function documentMain(folder) {
	writeFileSync(join(folder, THIRD_PARTY), thirdPartyOfPage(await bundledPackages()));
}

/**
 * Puts the documents into the folder of a binary package, and makes npm pack them.
 *
 * @param {string} folder
 * @param {string} suffix - napi-rs's name of the platform.
 */
export async function documentBinary(folder, suffix) {
	cpSync(join(root, "LICENSE"), join(folder, "LICENSE"));
	writeFileSync(join(folder, THIRD_PARTY), thirdPartyOfBinary(await compiledCrates(targetOf(suffix))));
	const path = join(folder, "package.json");
	const manifest = JSON.parse(readFileSync(path, "utf8"));
	const files = [...new Set([...manifest.files, THIRD_PARTY])];
	writeFileSync(path, `${JSON.stringify({ ...manifest, files }, null, 2)}\n`);
}
