// Installs what development needs: `npm run setup`.

import { buildSqlite3, installPackages } from "./lib/setup.mjs";

installPackages();
buildSqlite3();
