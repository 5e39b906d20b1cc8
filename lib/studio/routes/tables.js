"use strict";

/** @type {Record<string, import("./route").Route>} */
const TABLE_ROUTES = {};

module.exports = { TABLE_ROUTES };
