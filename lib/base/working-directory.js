"use strict";

/** The working directory; `undefined` if it is gone, which is an error only where it is needed. */
function workingDirectory() {
	try {
		return process.cwd();
	} catch {
		return undefined;
	}
}

module.exports = { workingDirectory };
