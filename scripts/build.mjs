// Builds the native addon where it is missing or older than its sources: `npm run build`.

import { buildAddon } from "./lib/addon.mjs";
import { installPackages } from "./lib/setup.mjs";

installPackages();
buildAddon();
