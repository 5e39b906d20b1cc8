"use strict";

/** @type {Record<string, import("./route").Route>} */
const BACKUP_ROUTES = {};

module.exports = { BACKUP_ROUTES };
