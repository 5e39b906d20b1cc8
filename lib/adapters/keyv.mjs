/*
 * `rootcellar/keyv` for ES modules. `keyv.d.ts` documents it.
 */

import "../process/bundled-require.mjs";
import keyv from "./keyv.js";

export const { KeyvRootcellar } = keyv;
export default keyv;
