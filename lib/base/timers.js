"use strict";

// Node's own timers as they were when this package was loaded: a test may replace them, and the globals, later.
module.exports = { ...require("node:timers") };
