// Opens a store that another process has closed, reads a key in its middle, and answers with the milliseconds.

import { deepStrictEqual } from "node:assert";
import { rootcellar } from "../../drivers/rootcellar.mjs";
import { keyAt, valueAt } from "../../lib/data.mjs";
import { answer } from "../../lib/processes/fresh.mjs";

const [folder, keyCount] = process.argv.slice(2);
const index = Number(keyCount) >> 1;
await rootcellar.load();
const start = performance.now();
const store = await rootcellar.open(folder);
const value = await store.get(keyAt(index));
const ms = performance.now() - start;
deepStrictEqual(value, valueAt(index));
await store.close();
answer(ms);
