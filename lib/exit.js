"use strict";

/** How long the end of the process may wait for what was issued before it. */
const EXIT_WAIT_MS = 10_000;

/**
 * @typedef {{ flush(deadline: number): void }} Flushable
 */

/** @type {Set<Flushable>} */
const unflushed = new Set();

/**
 * Makes the end of the process, such as `process.exit()`, wait until a queue is written.
 *
 * @param {Flushable} queue
 */
function flushAtExit(queue) {
	if (unflushed.size === 0) {
		process.on("exit", flushAll);
	}
	unflushed.add(queue);
}

/**
 * @param {Flushable} queue
 */
function flushed(queue) {
	if (unflushed.delete(queue) && unflushed.size === 0) {
		process.off("exit", flushAll);
	}
}

function flushAll() {
	const deadline = Date.now() + EXIT_WAIT_MS;
	for (const queue of unflushed) {
		queue.flush(deadline);
	}
}

module.exports = { flushAtExit, flushed };
