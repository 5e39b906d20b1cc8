"use strict";

// Not the global, which a test may have faked.
const { setImmediate } = require("node:timers");

/**
 * Calls back in the next turn of the event loop.
 *
 * @type {(callback: () => void) => void}
 */
const nextTurn = "clock" in setImmediate ? throughAPort : setImmediate;

/**
 * For where even that was a fake when this was loaded: fakes have a clock (@sinonjs/fake-timers, in Jest and Vitest).
 *
 * @param {() => void} callback
 */
function throughAPort(callback) {
	// Only now: loading it changes process.chdir.
	const { MessageChannel } = require("node:worker_threads");
	const { port1, port2 } = new MessageChannel();
	port1.once("message", () => {
		port1.close();
		callback();
	});
	port2.postMessage(undefined);
}

module.exports = { nextTurn };
