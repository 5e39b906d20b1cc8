/*
 * `rootcellar/kysely` for ES modules. `kysely.d.ts` documents it.
 */

import "../../process/bundled-require.mjs";
import * as kysely from "kysely";
import dialect from "./dialect.js";

export const RootcellarDialect = dialect.createDialect(/** @type {any} */ (kysely));
export default { RootcellarDialect };
