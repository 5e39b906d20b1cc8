"use strict";

/** @type {Record<string, import("./route").Route>} */
const SQL_ROUTES = {};

module.exports = { SQL_ROUTES };
