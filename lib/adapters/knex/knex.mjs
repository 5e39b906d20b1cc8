/*
 * `rootcellar/knex` for ES modules. `knex.d.ts` documents it.
 */

import RootcellarClient from "./knex.js";

export { RootcellarClient, RootcellarClient as default };
