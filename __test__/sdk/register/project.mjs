// Temporary projects with rootcellar, the SDK or stand-ins for it in their node_modules, and bots in them.

import { cpSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { binaryPath } from "../../../scripts/lib/addon.mjs";
import { runForked } from "../../helpers/forked.mjs";
import { temporaryDirectory } from "../../helpers/store.mjs";
import { SDK_ENV } from "../parity/run.mjs";

const REPOSITORY = fileURLToPath(new URL("../../../", import.meta.url));
const BOTS = fileURLToPath(new URL("./bots", import.meta.url));

const require = createRequire(import.meta.url);
const sdkFolder = path.resolve(path.dirname(require.resolve("@rootsdk/server-bot")), "../..");

/** A new project that holds the bots, and nothing to import. */
export function newProject() {
	const folder = temporaryDirectory();
	cpSync(BOTS, folder, { recursive: true });
	return folder;
}

function placeFor(project, name) {
	const folder = path.join(project, "node_modules", name);
	mkdirSync(path.dirname(folder), { recursive: true });
	return folder;
}

/** Links this checkout into a project, as `npm link` does. */
export function linkRootcellar(project) {
	symlinkSync(REPOSITORY, placeFor(project, "rootcellar"), "junction");
}

/** Links a copy that lies elsewhere into a project. */
export function linkTo(copy, project) {
	symlinkSync(copy, placeFor(project, "rootcellar"), "junction");
}

/** Copies what the package is made of into a project, away from this checkout's own node_modules. */
export function copyRootcellar(project) {
	const folder = placeFor(project, "rootcellar");
	for (const part of ["package.json", "index.js", "index.mjs", "lib"]) {
		cpSync(path.join(REPOSITORY, part), path.join(folder, part), { recursive: true });
	}
	// The addon looks for nothing beside it, and is large.
	const binary = path.basename(binaryPath);
	symlinkSync(binaryPath, path.join(folder, binary));
	return folder;
}

/** Links the SDK that this checkout has installed. */
export function linkSdk(project) {
	symlinkSync(sdkFolder, placeFor(project, "@rootsdk/server-bot"), "junction");
}

/** Packages that the SDK loads and does not declare; npm hoists them to where the SDK finds them. */
const UNDECLARED = ["@grpc/grpc-js"];

/** A copy of the SDK of its own, with links to what it depends on. */
export function copySdk(project) {
	const folder = placeFor(project, "@rootsdk/server-bot");
	cpSync(sdkFolder, folder, { recursive: true });
	const { dependencies } = require("@rootsdk/server-bot/package.json");
	for (const name of [...Object.keys(dependencies), ...UNDECLARED]) {
		symlinkSync(path.join(REPOSITORY, "node_modules", name), placeFor(project, name), "junction");
	}
}

/** A module in the place of an SDK. */
export function stubSdk(project, name, source) {
	const folder = placeFor(project, name);
	mkdirSync(folder, { recursive: true });
	writeFileSync(path.join(folder, "package.json"), JSON.stringify({ name, version: "0.0.0", main: "main.js" }));
	if (source !== undefined) writeFileSync(path.join(folder, "main.js"), source);
	return folder;
}

/** The part of an SDK that register needs. */
export const STORAGE_STUB = "exports.rootServer = { dataStore: { appData: {}, config: {} } };";

/**
 * Runs a bot until it ends: its report, its exit code and what it printed.
 */
export async function runBot(main, { cwd = path.dirname(main), preload = [], args = [], env = {} } = {}) {
	const options = { cwd, args, env: { ...SDK_ENV, ...env }, execArgv: preload };
	const { answer: report, ...end } = await runForked(main, options);
	return { report, ...end };
}
