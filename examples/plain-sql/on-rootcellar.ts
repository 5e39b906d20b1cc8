// The same on this package's engine: `dataStore.sqlite` is all that it needs.

import { rootServer } from "rootcellar";
import { holdPoll } from "./polls";

const { dataStore } = rootServer;

holdPoll(dataStore.sqlite).finally(() => dataStore.close());
