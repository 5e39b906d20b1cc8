"use strict";

const { clearInterval, setInterval } = require("../base/timers.js");

/**
 * Repeats an action for an object until it is stopped or the object is garbage-collected. It keeps neither the object nor
 * the process.
 *
 * @template {object} T
 * @param {T} object
 * @param {(object: T) => void} action which must not hold the object
 * @param {number} intervalMs
 * @returns {() => void} stops it
 */
function repeatFor(object, action, intervalMs) {
	const reference = new WeakRef(object);
	const timer = setInterval(() => {
		const current = reference.deref();
		if (current) {
			action(current);
		} else {
			clearInterval(timer);
		}
	}, intervalMs);
	timer.unref?.();
	return () => clearInterval(timer);
}

module.exports = { repeatFor };
