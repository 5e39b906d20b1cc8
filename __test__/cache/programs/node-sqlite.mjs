// node:sqlite writes between two reads of the same turn: `node node-sqlite.mjs <file> <rounds>`. Prints the wrong answers.

import { openDataStore } from "rootcellar";
import { openNodeSqlite } from "../writers.mjs";

const [filename, rounds] = process.argv.slice(2);
const store = openDataStore({ filename, backup: false });
await store.appData.set([
	{ key: "a", value: 0 },
	{ key: "b", value: 0 },
]);
const other = openNodeSqlite(filename);
const wrong = [];
for (let round = 1; round <= Number(rounds); round++) {
	const [key, unchanged] = round % 2 ? ["a", "b"] : ["b", "a"];
	await store.appData.get(key);
	other.set([{ key, value: round }]);
	const found = await Promise.all([store.appData.get(key), store.appData.get(unchanged)]);
	if (found[0] !== round || found[1] !== round - 1) wrong.push({ round, found });
}
other.close();
await store.close();
console.log(JSON.stringify(wrong));
