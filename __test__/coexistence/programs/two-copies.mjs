// Opens one file with rootcellar and other SQLite libraries, and prints, as JSON, rootcellar's warnings.
//
// The argument is JSON: `filename`, `libraries`: those that open it, and `loaded`: those that only open another file.

import { openDataStore } from "rootcellar";
import { libraries } from "../libraries.mjs";
import { sleep } from "../pace.mjs";

const { filename, libraries: names, loaded = [] } = JSON.parse(process.argv[2]);
const warnings = [];
process.on("warning", ({ code, message }) => {
	if (code?.startsWith("ROOTCELLAR_")) warnings.push({ code, message });
});

// One after the other, so that nothing is destroyed.
const connections = [];
for (const name of names) connections.push(await libraries[name](filename, {}));
for (const name of loaded) connections.push(await libraries[name](`${filename}.other`, {}));
for (const connection of connections) await connection.all("SELECT count(*) FROM sqlite_schema");

const stores = [openDataStore({ filename, backup: false }), openDataStore({ filename, backup: false })];
// Looked for at most once a second.
for (let round = 0; round < 3; round++) {
	for (const store of stores) await store.appData.set({ key: "round", value: round });
	await sleep(1_100);
}
for (const connection of connections) await connection.close();
for (const store of stores) await store.close();
console.log(JSON.stringify(warnings));
