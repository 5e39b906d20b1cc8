// Packs the package and this platform's binary package into a folder: `node scripts/pack.mjs <folder>`.

import { resolve } from "node:path";
import { buildAddon } from "./lib/addon.mjs";
import { pack } from "./lib/pack.mjs";
import { fail } from "./lib/run.mjs";
import { installPackages } from "./lib/setup.mjs";

const [destination] = process.argv.slice(2);
if (destination === undefined) fail("Packing", "no folder was given", "usage: node scripts/pack.mjs <folder>");

installPackages();
buildAddon();
pack(resolve(destination));
