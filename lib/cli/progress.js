"use strict";

const { Presets, SingleBar } = require("cli-progress");
const { formatBytes } = require("./output.js");

/** How often a bar moves that only shows that something goes on. */
const STEP_MS = 100;

/** How wide what moves is, as a part of the bar, as the denominator. */
const BLOCK_SHARE = 5;

/**
 * A bar on the standard error stream, or nothing if that is no terminal, or where `--json` asks for JSON.
 *
 * @typedef {{ update: (done: number, total: number, of?: string) => void, end: () => void }} Bar
 */

/** @type {Bar} */
const NONE = { update: () => {}, end: () => {} };

/**
 * A bar that shows how much of something is done, in bytes unless `update` is told otherwise.
 *
 * @param {{ json?: boolean }} options
 * @param {string} title
 * @returns {Bar}
 */
function progressBar(options, title) {
	if (!isWanted(options)) return NONE;
	const bar = new SingleBar({ ...SHARED, format: `${title} {bar} {percentage}% of {size}` }, Presets.shades_classic);
	let isEnded = false;
	return {
		update: (done, total, of = formatBytes(total)) => {
			// What is told late would begin it again.
			if (isEnded) return;
			if (!bar.isActive) bar.start(total, done, { size: of });
			bar.setTotal(total);
			bar.update(Math.min(done, total), { size: of });
		},
		end: () => {
			isEnded = true;
			bar.stop();
		},
	};
}

/**
 * A bar for what cannot be measured: something moves in it, and it says for how long already. Should it turn out to be
 * measurable, it becomes the other kind.
 *
 * @param {{ json?: boolean }} options
 * @param {string} title
 * @returns {Bar}
 */
function activityBar(options, title) {
	if (!isWanted(options)) return NONE;
	const measured = progressBar(options, title);
	const bar = new SingleBar({ ...SHARED, format: moving(title) }, Presets.shades_classic);
	bar.start(Number.MAX_SAFE_INTEGER, 0);
	const timer = setInterval(() => bar.increment(), STEP_MS);
	const stop = () => {
		clearInterval(timer);
		bar.stop();
	};
	return {
		update: (done, total, of) => {
			stop();
			measured.update(done, total, of);
		},
		end: () => {
			stop();
			measured.end();
		},
	};
}

const SHARED = { clearOnComplete: true, hideCursor: true, noTTYOutput: false, stream: process.stderr };

/** @param {{ json?: boolean }} options */
function isWanted({ json }) {
	return !json && process.stderr.isTTY === true;
}

/**
 * @param {string} title
 * @returns {import("cli-progress").GenericFormatter}
 */
function moving(title) {
	return ({ barsize = 40, barCompleteString = "", barIncompleteString = "" }, { value, startTime }) => {
		const block = Math.max(1, Math.floor(barsize / BLOCK_SHARE));
		const at = value % (barsize - block + 1);
		const rest = barIncompleteString.slice(0, barsize - block);
		const line = rest.slice(0, at) + barCompleteString.slice(0, block) + rest.slice(at);
		return `${title} ${line} ${Math.round((Date.now() - Number(startTime)) / 1000)} s`;
	};
}

module.exports = { activityBar, progressBar };
