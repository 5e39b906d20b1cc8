"use strict";

module.exports = require("../../../../node_modules/better-sqlite3");
