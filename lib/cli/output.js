"use strict";

const { once } = require("node:events");
const { DESTINATION } = require("../config/backup.js");

/** Exit code of a command that failed. */
const EXIT_FAILED = 1;

/** Exit code of a command that was called or configured wrongly, and has tried nothing. */
const EXIT_USAGE = 2;

/** Codes of errors for which it is. */
const USAGE_CODES = new Set(["ERR_USAGE", "ERR_INVALID_CONFIG", "ERR_INVALID_ARGUMENT"]);

let hasWritten = false;

/**
 * Writes a part of the result. Resolves when there is room for more.
 *
 * @param {string} text
 */
async function write(text) {
	hasWritten ||= text !== "";
	if (!process.stdout.write(text)) await once(process.stdout, "drain");
}

/**
 * Prints the result, as JSON on one line or as text.
 *
 * @param {{ json?: boolean }} options
 * @param {unknown} value
 * @param {string} text
 */
function print({ json }, value, text) {
	hasWritten = true;
	process.stdout.write(`${json ? JSON.stringify(value) : text}\n`);
}

/**
 * Writes a note, which is not part of the result, to the standard error stream.
 *
 * @param {string} text
 */
function note(text) {
	process.stderr.write(`rootcellar: ${text}\n`);
}

/**
 * Prints an error, and sets the exit code.
 *
 * @param {any} error
 * @param {boolean | undefined} json
 * @param {string} [source] who named the destination
 */
function fail(error, json, source = DESTINATION) {
	const { code = "ERR_INTERNAL" } = error ?? {};
	// Options have other names here than in JavaScript.
	const message = String(error?.message ?? error)
		.replace(" (from options.filename)", "")
		.replace(/^(the destination of backups(?= cannot be used)|options\.backup\.url)/, source);
	process.exitCode = USAGE_CODES.has(code) ? EXIT_USAGE : EXIT_FAILED;
	if (json) {
		const line = `${JSON.stringify({ error: { code, message } })}\n`;
		// A result that was begun must not end with an error.
		(hasWritten ? process.stderr : process.stdout).write(line);
	} else {
		note(`${message} (${code})`);
	}
}

/**
 * Ends the process when its output is not read any more, or cannot be written. The latter is reported.
 */
function watchOutput() {
	process.stderr.on("error", () => {});
	process.stdout.on("error", (/** @type {NodeJS.ErrnoException} */ error) => {
		if (error.code !== "EPIPE") {
			process.exitCode = EXIT_FAILED;
			note(`the standard output cannot be written: ${error.message} (ERR_OUTPUT)`);
		}
		process.exit();
	});
}

/**
 * @param {number} count
 * @param {string} [noun] of one of them
 */
function counted(count, noun = "key") {
	return count === 1 ? `1 ${noun}` : `${count} ${noun}s`;
}

/** @param {number} bytes */
function formatBytes(bytes) {
	const units = ["bytes", "kB", "MB", "GB", "TB"];
	const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1);
	return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}

/** @param {number} ms */
function formatDuration(ms) {
	const units = /** @type {[string, number][]} */ ([
		["d", 86_400_000],
		["h", 3_600_000],
		["min", 60_000],
	]);
	for (const [unit, length] of units) {
		if (ms >= 2 * length) return `${Math.round(ms / length)} ${unit}`;
	}
	return `${(ms / 1000).toFixed(1)} s`;
}

module.exports = { EXIT_USAGE, counted, fail, formatBytes, formatDuration, note, print, watchOutput, write };
