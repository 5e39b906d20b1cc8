// Builds the page of the studio, as far as it has changed: `node scripts/studio.mjs`.

import { installPackages } from "./lib/install/packages.mjs";
import { main } from "./lib/run.mjs";
import { buildStudio } from "./lib/studio.mjs";

await main(async () => {
	await installPackages();
	await buildStudio();
});
