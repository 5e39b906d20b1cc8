// Installs what development and all tests need: `npm run setup`.

import { installPackages } from "./lib/install/packages.mjs";
import { main } from "./lib/run.mjs";
import { prepareExtendedTests, prepareSqliteLibraries } from "./lib/setup.mjs";

await main(async () => {
	await Promise.all([installPackages().then(prepareSqliteLibraries), prepareExtendedTests()]);
});
