// @ts-check
"use strict";

/*
 * `rootcellar/register`: replaces `rootServer.dataStore.appData` of the SDK by this package's store, and adds its `kv`,
 * `sqlite`, `backups` and `transaction`.
 *
 * The bot and this file may resolve the SDK to different copies (a linked checkout, a workspace, a global command). So this
 * is done in every copy that the bot could resolve it to.
 */

require("../process/require-in-module.js");
const fs = require("node:fs");
const { createRequire } = require("node:module");
const path = require("node:path");

const { dataStore } = require("../data-store.js");
const { RootcellarError } = require("../base/errors.js");

const SDKS = ["@rootsdk/server-bot", "@rootsdk/server-app"];

/**
 * Folders from which the SDK is resolved: that of the main script, as it was called and with links followed (Node loads it
 * under its real path), the working directory, and this package's own.
 *
 * @returns {string[]}
 */
function startingFolders() {
	const folders = [process.cwd(), __dirname];
	const main = process.argv[1];
	if (main) {
		for (const name of [realPath(main), path.resolve(main)]) {
			if (name) folders.unshift(isFolder(name) ? name : path.dirname(name));
		}
	}
	return [...new Set(folders)];
}

/** @param {string} name */
function realPath(name) {
	try {
		return fs.realpathSync(name);
	} catch {
		return undefined; // `node main` runs main.js, which is in the folder of `main`.
	}
}

/** @param {string} name */
function isFolder(name) {
	return fs.statSync(name, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/**
 * Installed copies of the SDKs, by their entry file.
 *
 * @param {string[]} folders
 * @returns {Map<string, { name: string, load: NodeJS.Require }>}
 */
function findCopies(folders) {
	const copies = new Map();
	for (const folder of folders) {
		const load = createRequire(path.join(folder, "resolve-from-here.js"));
		for (const name of SDKS) {
			const entry = resolve(load, name);
			if (entry && !copies.has(entry)) copies.set(entry, { name, load });
		}
	}
	return copies;
}

/**
 * @param {NodeJS.Require} load
 * @param {string} name
 */
function resolve(load, name) {
	try {
		return load.resolve(name);
	} catch (cause) {
		// Node adds the `path` of its package.json if the package is there and its entry is not.
		const { code, path: manifest } = /** @type {NodeJS.ErrnoException} */ (cause);
		if (code === "MODULE_NOT_FOUND" && manifest === undefined) return undefined;
		throw loadFailure(name, "its entry was not found", cause);
	}
}

/**
 * @param {string} name
 * @param {string} what
 * @param {unknown} [cause]
 */
function loadFailure(name, what, cause) {
	const hint = /bindings file/.test(String(cause))
		? "Build the native part of its sqlite3 package, which npm leaves out by default (npm rebuild sqlite3)"
		: "Install it again";
	return new RootcellarError(
		"ERR_SDK_LOAD",
		`rootcellar/register found ${name} but could not use it: ${what}. ` +
			`${hint}, or import the store from "rootcellar" itself, which needs no SDK.`,
		cause === undefined ? undefined : { cause },
	);
}

/**
 * @param {string} entry
 * @param {{ name: string, load: NodeJS.Require }} copy
 */
function swap(entry, { name, load }) {
	let sdk;
	try {
		sdk = load(entry);
	} catch (cause) {
		throw loadFailure(name, `loading ${entry} failed (the cause is attached)`, cause);
	}
	const sdkStore = sdk?.rootServer?.dataStore;
	if (typeof sdkStore !== "object" || sdkStore === null) {
		throw loadFailure(name, `${entry} exports no rootServer.dataStore`);
	}
	sdkStore.appData = dataStore.appData;
	sdkStore.kv = dataStore.kv;
	sdkStore.backups = dataStore.backups;
	sdkStore.sqlite = dataStore.sqlite;
	sdkStore.transaction = dataStore.transaction;
	nameOurFile(sdkStore);
}

/**
 * Reads the configuration when the SDK has read its own, so that both name one file. A configuration that the SDK accepts
 * and this package does not, such as an in-memory database, is rejected by the first operation.
 *
 * @param {{ config: unknown }} sdkStore
 */
function nameOurFile(sdkStore) {
	try {
		sdkStore.config = dataStore.config;
	} catch {}
}

const folders = startingFolders();
const copies = findCopies(folders);
if (copies.size === 0) {
	throw new RootcellarError(
		"ERR_NO_SDK",
		`rootcellar/register found neither ${SDKS.join(" nor ")}, looking from ${folders.join(", ")}. ` +
			`Install the one that the bot uses (npm install ${SDKS[0]}), ` +
			'or import the store from "rootcellar" itself, which needs no SDK.',
	);
}
for (const [entry, copy] of copies) swap(entry, copy);
