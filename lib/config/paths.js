"use strict";

const fs = require("node:fs");
const path = require("node:path");
const { RootcellarError } = require("../base/errors.js");
const { workingDirectory } = require("../base/working-directory.js");

// The places that paths name.

/** Links that may lead from one to the next, as Linux has it (path_resolution(7)). */
const LINKS_MAX = 40;

/**
 * The absolute path of what a path names.
 *
 * @param {string} given
 * @param {string} [folder] what a relative path starts from: the working directory by default
 */
function absolutePath(given, folder = workingDirectory()) {
	if (!path.isAbsolute(given) && folder === undefined) {
		const message = `${given} cannot be found: the working directory, from which it starts, is gone; give an absolute path`;
		throw new RootcellarError("ERR_INVALID_CONFIG", message);
	}
	return path.resolve(folder ?? given, given);
}

/**
 * The file that a path leads to, whether it exists or not. SQLite keeps its log beside that file and not beside a link to
 * it; so do backups, and a restore replaces the file and leaves the link. A link to its folder that leads elsewhere later
 * (a new release) takes nothing of it along.
 *
 * @param {string} file an absolute path
 */
function followLinks(file) {
	for (let count = 0; count < LINKS_MAX; count += 1) {
		try {
			const target = fs.readlinkSync(file);
			file = path.resolve(fs.realpathSync(path.dirname(file)), target);
		} catch {
			// No link, or nothing: opening the file says what is wrong with it.
			break;
		}
	}
	return path.join(realFolder(path.dirname(file)), path.basename(file));
}

/** @param {string} folder */
function realFolder(folder) {
	// On Windows that would be another name of a drive, too.
	if (process.platform === "win32") return folder;
	try {
		return fs.realpathSync(folder);
	} catch {
		// It is not there, or may not be entered; opening the file says so.
		return folder;
	}
}

/** Beginning of a URL, of whatever scheme, also in quotes or with another word before it. */
const URL_BEGINNING = /^[^/\\]+:\//;

/** Drive of Windows, which is none of a URL. */
const DRIVE_BEGINNING = /^[a-z]:/i;

/**
 * True for a text that is meant as a URL. As a path it would begin with a folder whose name ends with a colon, and whoever
 * shows it would show the password in it.
 *
 * @param {string} given
 */
function looksLikeUrl(given) {
	return URL_BEGINNING.test(given) && !(process.platform === "win32" && DRIVE_BEGINNING.test(given));
}

/** Problem of the path of a file that looks like a URL; it shows nothing of it. */
const IS_URL = "must be the path of a file, and looks like a URL; write ./ before a path";

/**
 * Problem of the path of a file that is to be made, with the name that it has on this system.
 *
 * @param {string} file
 * @returns {string | undefined}
 */
function problemWithName(file) {
	if (looksLikeUrl(file)) {
		return IS_URL;
	}
	return process.platform === "win32" ? problemOnWindows(file) : undefined;
}

/**
 * Problem of a path whose name Windows takes for another: a device, a stream of a file, or a name without its last dot.
 *
 * @param {string} file
 * @returns {string | undefined}
 */
function problemOnWindows(file) {
	const name = path.win32.basename(file);
	if (/^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[\d\u00b9\u00b2\u00b3]) *(?:\.|$)/i.test(name)) {
		return "must not have a name that begins as that of a device, such as NUL or COM1";
	}
	if (/[<>:"|?*]/.test(name)) {
		return 'must not have a name with one of < > : " | ? *, which Windows does not take';
	}
	return /[ .]$/.test(name)
		? "must not have a name that ends with a dot or a space, which Windows leaves out"
		: undefined;
}

module.exports = { absolutePath, followLinks, looksLikeUrl, problemWithName };
