"use strict";

require("../../process/require-in-module.js");
const { createDriver } = require("./driver.js");

const { drizzle, migrate } = createDriver(
	require("drizzle-orm"),
	require("drizzle-orm/sqlite-core"),
	require("drizzle-orm/sqlite-proxy"),
	require("drizzle-orm/migrator"),
);

module.exports = { drizzle, migrate };
