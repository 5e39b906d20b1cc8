"use strict";

const { CLOCK_SKEW_WARNED_MS } = require("../../base/limits.js");

/** Warnings that the process has had. */
const warned = new Set();

/**
 * Warns, each once in a process, of a server that can lose what it has acknowledged, or whose clock is another.
 *
 * @param {Float64Array} [found] whether it has standbys and waits for none, and the milliseconds that its clock is ahead
 */
function warnOf([isAsynchronous = 0, aheadMs = 0] = new Float64Array(2)) {
	if (isAsynchronous) {
		const message =
			"PostgreSQL has standbys and waits for none of them: what was acknowledged last is lost with the primary; set " +
			"synchronous_standby_names on the server";
		warn("ROOTCELLAR_ASYNC_REPLICATION", message);
	}
	if (Math.abs(aheadMs) > CLOCK_SKEW_WARNED_MS) {
		const seconds = (Math.abs(aheadMs) / 1_000).toFixed(1);
		const message = `the clock of the PostgreSQL server is ${seconds} s ${aheadMs > 0 ? "ahead of" : "behind"} that of this machine; the server's decides what has expired`;
		warn("ROOTCELLAR_CLOCK_SKEW", message);
	}
}

/**
 * @param {string} code
 * @param {string} message
 */
function warn(code, message) {
	if (!warned.has(code)) {
		warned.add(code);
		process.emitWarning(message, { code });
	}
}

module.exports = { warnOf };
