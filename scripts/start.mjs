// Builds what is missing and runs the example bot: `npm start`.

import { buildAddon } from "./lib/addon.mjs";
import { installPackages } from "./lib/install/packages.mjs";
import { main, runInTerminal, runTool } from "./lib/run.mjs";

await main(async () => {
	await Promise.all([installPackages(), buildAddon("quick")]);
	await runTool("Compiling examples/leveling-bot", "typescript", ["-p", "examples/leveling-bot"]);
	const args = ["examples/leveling-bot/dist/main.js", ...process.argv.slice(2)];
	await runInTerminal("Running examples/leveling-bot", args);
});
