"use strict";

const { Presets, SingleBar } = require("cli-progress");

/**
 * Prints what a command has found: as JSON on one line, or as text.
 *
 * @param {{ json?: boolean }} options
 * @param {unknown} value
 * @param {string} text
 */
function print({ json }, value, text) {
	process.stdout.write(`${json ? JSON.stringify(value) : text}\n`);
}

/**
 * Says what went wrong, and sets the exit code.
 *
 * @param {any} error
 * @param {boolean | undefined} json
 */
function fail(error, json) {
	const { code = "ERR_INTERNAL", message } = error;
	if (json) {
		process.stdout.write(`${JSON.stringify({ error: { code, message } })}\n`);
	} else {
		process.stderr.write(`rootcellar: ${message} (${code})\n`);
	}
	process.exitCode = 1;
}

/**
 * A progress bar on a terminal, and nothing elsewhere.
 *
 * @param {{ json?: boolean }} options
 * @param {string} title
 */
function progressBar({ json }, title) {
	if (json || !process.stderr.isTTY) {
		return { update: () => {}, end: () => {} };
	}
	const format = `${title} {bar} {percentage}% of {size}`;
	const bar = new SingleBar(
		{ format, clearOnComplete: true, hideCursor: true, stream: process.stderr },
		Presets.shades_classic,
	);
	bar.start(1, 0, { size: formatBytes(0) });
	return {
		update: (/** @type {number} */ doneBytes, /** @type {number} */ totalBytes) => {
			bar.setTotal(totalBytes);
			bar.update(doneBytes, { size: formatBytes(totalBytes) });
		},
		end: () => bar.stop(),
	};
}

/** @param {number} bytes */
function formatBytes(bytes) {
	const units = ["bytes", "kB", "MB", "GB", "TB"];
	const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1);
	return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}

module.exports = { fail, formatBytes, print, progressBar };
