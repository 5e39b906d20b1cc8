// Writes every key of a store, reads it through, and answers with the memory that the process then has.

import { rootcellar } from "../../drivers/rootcellar.mjs";
import { entriesBetween, keyAt } from "../../lib/data.mjs";
import { answer } from "../../lib/processes/fresh.mjs";
import { residentBytes } from "./resident.mjs";

const PART = 1000;
const IN_FLIGHT = 100;

const [folder, keyCount] = process.argv.slice(2);
const count = Number(keyCount);
const store = await rootcellar.open(folder);
for (let from = 0; from < count; from += PART) await store.setMany(entriesBetween(from, from + PART));
for (let from = 0; from < count; from += IN_FLIGHT) {
	await Promise.all(Array.from({ length: IN_FLIGHT }, (_, offset) => store.get(keyAt(from + offset))));
}
answer(await residentBytes());
