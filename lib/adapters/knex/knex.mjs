/*
 * `rootcellar/knex` for ES modules. `knex.d.ts` documents it.
 */

import "../../process/bundled-require.mjs";
import RootcellarClient from "./knex.js";

export { RootcellarClient, RootcellarClient as default };
