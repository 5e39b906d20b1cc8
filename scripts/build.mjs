// Builds the native addon as it is published: `npm run build`.

import { buildAddon } from "./lib/addon.mjs";
import { main } from "./lib/run.mjs";

await main(() => buildAddon("release"));
