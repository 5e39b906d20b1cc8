"use strict";

/*
 * `rootcellar/kysely` for CommonJS. `kysely.d.ts` documents it.
 */

require("../../process/require-in-module.js");
const { createDialect } = require("./dialect.js");

module.exports.RootcellarDialect = createDialect(require("kysely"));
