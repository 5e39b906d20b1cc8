import "../../process/bundled-require.mjs";
import * as orm from "drizzle-orm";
import * as migrator from "drizzle-orm/migrator";
import * as core from "drizzle-orm/sqlite-core";
import * as proxy from "drizzle-orm/sqlite-proxy";
import driver from "./driver.js";

export const { drizzle, migrate } = driver.createDriver(orm, core, proxy, migrator);
