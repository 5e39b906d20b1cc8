"use strict";

const { nextTurn } = require("./turns.js");

/**
 * @typedef {{ flush(): void }} Flushable
 */

/** @type {Set<Flushable>} */
const unflushed = new Set();
let isListening = false;
let isLeaving = false;

/**
 * Makes the end of the process, such as `process.exit()`, wait until a queue is written.
 *
 * @param {Flushable} queue
 */
function flushAtExit(queue) {
	unflushed.add(queue);
	if (!isListening) {
		isListening = true;
		process.on("exit", flushAll);
	}
}

/**
 * @param {Flushable} queue
 */
function flushed(queue) {
	if (unflushed.delete(queue) && unflushed.size === 0 && !isLeaving) {
		// Not at once: most of the time the next operation comes before the event loop turns.
		isLeaving = true;
		nextTurn(leave);
	}
}

function leave() {
	isLeaving = false;
	if (unflushed.size === 0) {
		isListening = false;
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
