// Loaded before the command line: ends it after a number of slices that the import has written into its transaction.
"use strict";

const target = require("../../lib/cli/import/target.js");

const { KILL_AFTER, KILL_SIGNAL = "SIGKILL" } = process.env;
const { importInto } = target;
let left = Number(KILL_AFTER);

target.importInto = (place, force, use) =>
	importInto(place, force, (take) =>
		use(async (items) => {
			if (left-- === 0) {
				process.kill(process.pid, KILL_SIGNAL);
				// Until the signal arrives.
				await new Promise(() => setInterval(() => {}, 1_000));
			}
			await take(items);
		}),
	);
