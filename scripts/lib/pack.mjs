import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { documentBinary, documentMain } from "../release/documents.mjs";
import { binaryPath, suffix } from "./addon.mjs";
import { npm, root, run, runTool } from "./run.mjs";

/** Files that npm packs regardless of `files`. */
const ALWAYS_PACKED = ["package.json", "README.md", "LICENSE"];

/**
 * Packs the main package and this platform's binary package as a release would have them, from a copy: the
 * working tree stays as it is.
 *
 * @param {string} binary - The addon.
 * @param {string} destination - The folder for the two tarballs; made when missing.
 */
export async function pack(binary, destination) {
	const staging = mkdtempSync(join(tmpdir(), "rootcellar-pack-"));
	process.on("exit", () => rmSync(staging, { recursive: true, force: true }));
	mkdirSync(destination, { recursive: true });

	copyMainPackage(staging);
	await documentMain(staging);
	const platformPackage = await makePlatformPackage(binary, staging);
	declarePlatformPackages(staging);

	await packFolder("Packing the main package", staging, destination);
	await packFolder(`Packing the binary package of ${suffix}`, platformPackage, destination);
}

/** @param {string} staging */
function copyMainPackage(staging) {
	const { files } = readManifest(root);
	for (const name of [...ALWAYS_PACKED, ...files]) {
		const source = join(root, name);
		if (existsSync(source)) cpSync(source, join(staging, name), { recursive: true });
	}
}

/**
 * @param {string} binary
 * @param {string} staging
 */
async function makePlatformPackage(binary, staging) {
	await runTool("Making the binary packages' folders", "@napi-rs/cli", ["create-npm-dirs", "--cwd", staging]);
	const folder = join(staging, "npm", suffix);
	cpSync(binary, join(folder, basename(binaryPath)));
	await documentBinary(folder, suffix);
	return folder;
}

/**
 * Adds the `optionalDependencies` that `napi pre-publish` adds in a release. The repository's own package.json
 * has none, for `npm ci` would look for packages that are not published yet.
 *
 * @param {string} staging
 */
function declarePlatformPackages(staging) {
	const npmFolder = join(staging, "npm");
	const packages = readdirSync(npmFolder).map((name) => readManifest(join(npmFolder, name)));
	const optionalDependencies = Object.fromEntries(packages.map(({ name, version }) => [name, version]));
	const manifest = { ...readManifest(staging), optionalDependencies };
	writeFileSync(join(staging, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
}

/**
 * @param {string} title
 * @param {string} folder
 * @param {string} destination
 */
async function packFolder(title, folder, destination) {
	const [command, args, options] = npm(["pack", "--ignore-scripts", "--pack-destination", destination]);
	await run(title, command, args, { ...options, cwd: folder });
}

/** @param {string} folder */
function readManifest(folder) {
	return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
}
