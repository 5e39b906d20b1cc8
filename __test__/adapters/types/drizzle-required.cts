// `rootcellar/drizzle` and `rootcellar/keyv` as CommonJS. Compiled, never run.

import drizzleEntry = require("rootcellar/drizzle");
import keyvEntry = require("rootcellar/keyv");
import keyv = require("keyv");

export const db: drizzleEntry.RootcellarDatabase = drizzleEntry.drizzle();
export const cache = new keyv.Keyv({ store: new keyvEntry.KeyvRootcellar() });
