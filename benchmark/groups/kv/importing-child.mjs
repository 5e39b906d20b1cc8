// Imports a file of quick.db with the command line, and answers with the milliseconds and the most memory that it took.

import { createRequire } from "node:module";
import { elapsedMs } from "../../lib/measure.mjs";
import { answer } from "../../lib/processes/fresh.mjs";

const [source = "", file = ""] = process.argv.slice(2);

process.env.ROOTCELLAR_BACKUP = "off";
const ms = await elapsedMs(async () => {
	const { main } = createRequire(import.meta.url)("../../../lib/cli/program.js");
	await main([process.execPath, "rootcellar", "import", "--from", "quick.db", source, "--file", file, "--json"]);
});
if (process.exitCode) throw new Error("nothing was imported");
answer({ ms, peakBytes: process.resourceUsage().maxRSS * 1024 });
