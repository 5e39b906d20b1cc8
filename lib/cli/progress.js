"use strict";

const { Presets, SingleBar } = require("cli-progress");
const { formatBytes } = require("./output.js");

/** Interval at which the bar of an activity moves. */
const STEP_MS = 100;

/** Length of a bar divided by that of the block that moves in it. */
const BLOCK_SHARE = 5;

/**
 * Bar on the standard error stream. Nothing is shown if that is no terminal, or with `--json`.
 *
 * @typedef {{ update: (done: number, total: number, of?: string) => void, end: () => void }} Bar
 */

/** @type {Bar} */
const NONE = { update: () => {}, end: () => {} };

/**
 * Bar that shows the part that is done, in bytes unless `update` has another unit.
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
			// A late report would begin it again.
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
 * Bar for an activity of unknown length: a block moves in it, beside the time that has passed. It becomes a bar of the other
 * kind as soon as progress is reported.
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
