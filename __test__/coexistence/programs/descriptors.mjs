// Opens and closes stores a thousand times, and prints, as JSON, how many descriptors this process had at most in
// each hundred.
//
// The argument is JSON: `folder`, `files`: "one" (always the same), "deleted" (each a new one, deleted when closed) or
// "kept" (each a new one that stays), and `library`: another SQLite library that has the file open all the time
// ("one"), or has opened it shortly before and after.

import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { openDataStore } from "rootcellar";
import { libraries } from "../libraries.mjs";

const CYCLES = 1_000;
const { folder, files, library } = JSON.parse(process.argv[2]);
const most = [];
const open = library === undefined ? undefined : libraries[library];
let standing;

for (let cycle = 1; cycle <= CYCLES; cycle++) {
	const filename = join(folder, files === "one" ? "one.sqlite3" : `${cycle}.sqlite3`);
	const store = openDataStore({ filename, backup: false });
	await store.appData.set({ key: "cycle", value: cycle });
	let passing;
	if (open && files === "one") standing ??= await open(filename);
	else if (open) passing = await open(filename);
	await passing?.all("SELECT count(*) FROM __rootapp_kv");
	if ((await store.appData.get("cycle")) !== cycle) throw new Error(`cycle ${cycle} did not read what it wrote`);
	await store.close();
	await passing?.close();
	if (files === "deleted") for (const suffix of ["", "-wal", "-shm"]) rmSync(filename + suffix, { force: true });
	const hundred = Math.floor((cycle - 1) / 100);
	most[hundred] = Math.max(most[hundred] ?? 0, readdirSync("/dev/fd").length);
}
await standing?.close();
console.log(JSON.stringify(most));
