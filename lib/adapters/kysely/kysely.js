"use strict";

/*
 * `rootcellar/kysely` for CommonJS. `kysely.d.ts` documents it.
 */

const { createDialect } = require("./dialect.js");

module.exports.RootcellarDialect = createDialect(require("kysely"));
