// Reads a replica through Litestream's library for SQLite, in a Node that has SQLite with extensions: prints the rows of
// a query as JSON, and goes on until its input ends. `node read.cjs <library> <query>`, and the rest in the environment.
"use strict";

const { DatabaseSync } = require("node:sqlite");

const [library, query] = process.argv.slice(2);
new DatabaseSync(":memory:", { allowExtension: true }).loadExtension(library);
const database = new DatabaseSync("file:any.sqlite3?vfs=litestream", { readOnly: true });
process.stdout.write(`${JSON.stringify(database.prepare(query).all())}\n`);
process.stdin.on("end", () => process.exit()).resume();
