"use strict";

/**
 * @typedef {{ flush(): void }} Flushable
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
	for (const queue of unflushed) {
		queue.flush();
	}
}

/**
 * Whether the `exit` listeners are being called: nothing asynchronous will happen any more.
 */
function isExiting() {
	return /** @type {{ _exiting?: boolean }} */ (/** @type {unknown} */ (process))._exiting === true;
}

module.exports = { flushAtExit, flushed, isExiting };
