// The scenario as a CommonJS module: `bot.cjs <phase> <file>`.
"use strict";

const process = require("node:process");
const rootcellar = require("rootcellar");
const scenario = require("./scenario.cjs");

scenario.run(rootcellar, ...process.argv.slice(2));
