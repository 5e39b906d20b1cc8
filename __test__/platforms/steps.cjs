"use strict";

// Every step of the scenario, by its title, in order.

module.exports = {
	...require("./steps/keys.cjs"),
	...require("./steps/sql.cjs"),
	...require("./steps/backups.cjs"),
	...require("./steps/processes.cjs"),
	...require("./steps/ending.cjs"),
	...require("./steps/console.cjs"),
	...require("./steps/names.cjs"),
	...require("./steps/command-line.cjs"),
	...require("./steps/network.cjs"),
};
