// Builds what is missing and runs the example bot: `npm start`.

import { buildAddon } from "./lib/addon.mjs";
import { run, runTool } from "./lib/run.mjs";
import { installPackages } from "./lib/setup.mjs";

installPackages();
buildAddon();
runTool("Compiling examples/leveling-bot", "typescript", ["-p", "examples/leveling-bot"]);
const args = ["examples/leveling-bot/dist/main.js", ...process.argv.slice(2)];
run("Running examples/leveling-bot", process.execPath, args);
