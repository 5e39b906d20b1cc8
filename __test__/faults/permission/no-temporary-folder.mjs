// A bot that can write to one folder alone: `node no-temporary-folder.mjs <folder>`.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openDataStore } from "rootcellar";

const ROWS = 150_000;
const [folder] = process.argv.slice(2);
const file = join(folder, "bot.sqlite3");
const program = fileURLToPath(new URL("../../../bin/rootcellar.js", import.meta.url));
const end = (promise) =>
	promise.then(
		() => "done",
		(error) => `${error.code}: ${error.message}`,
	);

function writable(place) {
	try {
		return mkdtempSync(join(place, "probe-"));
	} catch (error) {
		return error.code;
	}
}

function rootcellar(args, input = "") {
	const { stdout, stderr } = spawnSync(process.execPath, [program, ...args, "--json"], { encoding: "utf8", input });
	return stderr === "" ? JSON.parse(stdout) : stderr;
}

const probes = [tmpdir(), "/var/tmp", "."].map(writable);
const store = openDataStore({ filename: file });
const { sqlite } = store;
await sqlite.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)");
await sqlite.run(
	`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS})
	INSERT INTO t (text) SELECT hex(randomblob(50)) FROM n`,
);
const sorted = "SELECT id FROM t ORDER BY text";
const ends = {
	read: await end(sqlite.get(`SELECT count(*) FROM (${sorted} LIMIT -1 OFFSET 1)`)),
	iterate: await end(drain(sqlite.iterate(`${sorted} LIMIT 1000 OFFSET 149000`))),
	transaction: await end(sqlite.transaction((tx) => tx.all(`${sorted} LIMIT 10 OFFSET 100000`))),
	write: await end(
		sqlite.run(`INSERT INTO t (text) SELECT text FROM (SELECT text FROM t ORDER BY text LIMIT 100 OFFSET 149000)`),
	),
	temporary: await end(
		sqlite.transaction(async (tx) => {
			await tx.run("CREATE TEMP TABLE u AS SELECT * FROM t");
			await tx.run("CREATE INDEX temp.v ON u (text)");
			await tx.run("DROP TABLE u");
		}),
	),
	index: await end(sqlite.exec("CREATE INDEX by_text ON t (text)")),
	reindex: await end(sqlite.exec("REINDEX by_text")),
	update: await end(
		sqlite.run(
			"UPDATE t SET text = lower(text) WHERE id IN (SELECT id FROM t ORDER BY upper(text) LIMIT 100 OFFSET 149000)",
		),
	),
	vacuum: await end(sqlite.exec("VACUUM")),
	backup: await end(store.backups.create()),
	restore: await end(store.backups.restore({ to: join(folder, "copy.sqlite3") })),
};
await store.close();
const lines = Array.from({ length: 2_000 }, (_, n) => `${JSON.stringify({ key: `k${n}`, value: n })}\n`).join("");
const imported = rootcellar(["import", "-f", file], lines);
const verified = rootcellar(["verify", "-f", file]);
console.log(JSON.stringify({ probes, ends, imported, verified, files: readdirSync(folder).sort() }));

async function drain(rows) {
	for await (const row of rows) if (row.id === 0) throw new Error("there is no such row");
}
