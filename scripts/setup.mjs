// Installs what development needs: `npm run setup`.

import { installPackages, prepareTests } from "./lib/setup.mjs";

installPackages();
prepareTests();
