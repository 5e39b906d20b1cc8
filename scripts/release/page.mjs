// The npm packages whose code is in the page of the studio.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../lib/run.mjs";

/**
 * Package in the page: its licence as an SPDX expression, and the text of it.
 *
 * @typedef {{ name: string, version: string, licence: string, repository: string | undefined, texts: string[] }} BundledPackage
 */

/**
 * The packages, by their names, as the bundler finds them.
 *
 * @returns {Promise<BundledPackage[]>}
 */
export async function bundledPackages() {
	const { build } = await import("esbuild");
	const { metafile } = await build({
		entryPoints: [join(root, "studio/src/main.tsx")],
		absWorkingDir: root,
		outdir: "unused",
		bundle: true,
		splitting: true,
		format: "esm",
		jsx: "automatic",
		jsxImportSource: "preact",
		metafile: true,
		write: false,
		logLevel: "error",
	});
	const found = Object.keys(metafile.inputs).map((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]);
	const names = new Set(found.filter((name) => name !== undefined));
	return [...names].sort().map(describe);
}

/**
 * @param {string} name
 * @returns {BundledPackage}
 */
function describe(name) {
	const folder = join(root, "node_modules", name);
	const { version, license, repository } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
	const texts = readdirSync(folder)
		.filter((file) => /^licen[cs]e/i.test(file))
		.map((file) => readFileSync(join(folder, file), "utf8").trim());
	if (license !== "MIT" || texts.length === 0)
		throw new Error(`${name} cannot be in the page: its licence is ${license}`);
	return { name, version, licence: license, repository: repository?.url ?? repository, texts };
}
