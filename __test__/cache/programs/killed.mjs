// Writes the same number to every key, one transaction after another, until it is killed: `node killed.mjs <file>`. Prints a
// line when it has begun.

import { openBetterSqlite3 } from "../writers.mjs";

const filename = process.argv.at(-1);
const writer = openBetterSqlite3(filename);
// Pages are spilled to the log before the commit.
writer.database.exec("PRAGMA cache_size = 5");
const padding = "x".repeat(3_000);
for (let number = 1; ; number++) {
	writer.set(Array.from({ length: 20 }, (_, n) => ({ key: `k${n}`, value: [number, padding] })));
	if (number === 1) console.log("begun");
}
