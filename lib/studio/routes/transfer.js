"use strict";

/** @type {Record<string, import("./route").Route>} */
const TRANSFER_ROUTES = {};

module.exports = { TRANSFER_ROUTES };
