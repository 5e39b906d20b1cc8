// Installs what development and all tests need: `npm run setup`.

import { main } from "./lib/run.mjs";
import { installPackages, prepareExtendedTests, prepareSqliteLibraries } from "./lib/setup.mjs";

await main(async () => {
	await Promise.all([installPackages().then(prepareSqliteLibraries), prepareExtendedTests()]);
});
