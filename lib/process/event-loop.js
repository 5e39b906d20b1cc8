"use strict";

const { setImmediate } = require("../base/timers.js");

/**
 * Calls back in the next turn of the event loop.
 *
 * @type {(callback: () => void) => void}
 */
const nextTurn = "clock" in setImmediate ? throughAPort : setImmediate;

/**
 * Stands in for a `setImmediate` that was a fake already when this was loaded. Fakes have a `clock` (@sinonjs/fake-timers, in
 * Jest and Vitest).
 *
 * @param {() => void} callback
 */
function throughAPort(callback) {
	// Loaded only now, because it changes process.chdir.
	const { MessageChannel } = require("node:worker_threads");
	const { port1, port2 } = new MessageChannel();
	port1.once("message", () => {
		port1.close();
		callback();
	});
	port2.postMessage(undefined);
}

module.exports = { nextTurn };
