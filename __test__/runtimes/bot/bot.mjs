// The scenario as an ES module: `bot.mjs <phase> <file>`.

import process from "node:process";
import { dataStore, openDataStore, RootcellarError, rootServer } from "rootcellar";
import scenario from "./scenario.cjs";

await scenario.run({ dataStore, openDataStore, RootcellarError, rootServer }, ...process.argv.slice(2));
