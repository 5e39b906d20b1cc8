// A writer that dies in the middle of telling others of its commit: `node torn.mjs <file>`. The commit is in the log, and
// of the two copies of the WAL-index header only the second, which is written first, tells of it
// (sqlite.org/walformat.html). Whoever reads next has to recover the log.

import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { openBetterSqlite3 } from "../writers.mjs";

const HEADER_BYTES = 48;
const [filename] = process.argv.slice(2);
const writer = openBetterSqlite3(filename);
writer.database.exec("SELECT 1 FROM __rootapp_kv");
const shared = openSync(`${filename}-shm`, "r+");
const header = Buffer.alloc(HEADER_BYTES);
readSync(shared, header, 0, HEADER_BYTES, 0);
writer.set([{ key: "torn", value: "after" }]);
writeSync(shared, header, 0, HEADER_BYTES, 0);
closeSync(shared);
console.log("torn");
process.kill(process.pid, "SIGKILL");
