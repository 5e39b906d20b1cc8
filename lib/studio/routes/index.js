"use strict";

const { BACKUP_ROUTES } = require("./backups.js");
const { INFO_ROUTES } = require("./info.js");
const { KEY_ROUTES } = require("./key.js");
const { KEYS_ROUTES } = require("./keys.js");
const { SQL_ROUTES } = require("./sql.js");
const { TABLE_ROUTES } = require("./tables.js");
const { TRANSFER_ROUTES } = require("./transfer.js");
const { WATCH_ROUTES } = require("./watch.js");

/** @typedef {import("./route").Route} Route */

/** @type {Map<string, Route>} */
const ROUTES = new Map(
	[
		INFO_ROUTES,
		KEYS_ROUTES,
		KEY_ROUTES,
		WATCH_ROUTES,
		TABLE_ROUTES,
		SQL_ROUTES,
		BACKUP_ROUTES,
		TRANSFER_ROUTES,
	].flatMap((routes) => Object.entries(routes)),
);

module.exports = { ROUTES };
