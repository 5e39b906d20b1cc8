// Fills a store in a folder with a number of keys: a program for `templates.mjs`.

import { rootcellar } from "../../drivers/rootcellar.mjs";
import { entriesBetween } from "../data.mjs";
import { answer } from "./fresh.mjs";

const PART = 10_000;

const [folder, keyCount] = process.argv.slice(2);
const count = Number(keyCount);
const store = await rootcellar.open(folder);
for (let from = 0; from < count; from += PART) {
	await store.setMany(entriesBetween(from, Math.min(from + PART, count)));
}
await store.close();
answer({ done: true });
