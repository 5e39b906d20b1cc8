"use strict";

// Counts beside others: `count.cjs <package> <file> <rounds> <yes|no: backups>`.

const [packageFolder, filename, rounds, backup] = process.argv.slice(2);
const { openDataStore } = require(packageFolder);

async function main() {
	const store = openDataStore({ filename, backup: backup === "yes" ? { intervalMs: 50 } : false });
	await store.sqlite.exec("CREATE TABLE IF NOT EXISTS t (a)");
	for (let n = 0; n < Number(rounds); n++) {
		await store.appData.update("updates", (count) => count + 1, 0);
		await store.kv.increment("increments");
		await store.sqlite.transaction((tx) => tx.run("INSERT INTO t VALUES (?)", [n]));
	}
	await store.close();
}

void main();
