// Packs the package and this platform's binary package into a folder, with their bills of materials if they are asked
// for. The binary is built for release unless one is named: `node scripts/pack.mjs [--binary <file>] [--bills] <folder>`.

import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { compileAddon, suffix } from "./lib/addon.mjs";
import { installPackages } from "./lib/install/packages.mjs";
import { pack } from "./lib/pack.mjs";
import { main, StepFailure } from "./lib/run.mjs";
import { buildStudio } from "./lib/studio.mjs";
import { writeBills } from "./release/bills.mjs";

const { values, positionals } = parseArgs({
	options: { binary: { type: "string" }, bills: { type: "boolean" } },
	allowPositionals: true,
});
const [destination] = positionals;

await main(async () => {
	if (destination === undefined) {
		throw new StepFailure("Packing", "no folder was given", { hint: "usage: node scripts/pack.mjs <folder>" });
	}
	const page = installPackages().then(buildStudio);
	const [binary] = await Promise.all([values.binary ?? compileAddon("release"), page]);
	await pack(binary, resolve(destination));
	if (values.bills) await writeBills(resolve(destination), [suffix]);
});
